#include <beeld/error.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "core/ops/rows.h"
#include "core/transformer/block.h"
#include "tests/support/random_weights.h"

namespace beeld {
namespace {

using testing::difference;
using testing::random_tensor;
using testing::random_transformer;

constexpr int layers = 3, width = 16, memory_width = 12;

struct Variant {
  const char* name;
  std::function<void(BlockConfig&)> change;
};

BlockConfig config_of(const Variant& variant) {
  BlockConfig config;
  config.width = width;
  config.mlp_width = 24;
  set_heads(config, 4);
  config.attention.mask = AttentionMask::causal;
  variant.change(config);
  return config;
}

void cross(BlockConfig& c) {
  c.cross_attention = c.attention;
  c.cross_attention->mask = AttentionMask::none;
  c.cross_attention->position = PositionScheme::added;
  c.memory_width = memory_width;
}

void turn(BlockConfig& c, RotaryScaling scaling) {
  c.attention.position = PositionScheme::rotary;
  auto& rotary = c.attention.rotary;
  rotary.scaling = scaling;
  rotary.factor = 4;
  rotary.original_length = 40;
  rotary.short_factors = {1, 1.5};
  rotary.long_factors = {2, 5};
  if (scaling == RotaryScaling::longrope) rotary.attention_factor = longrope_attention_factor(4, 40);
}

/// Sequences of unequal lengths, two of them longer than a page, at positions of their own.
Sequences long_sequences() {
  Sequences sequences;
  sequences.append(70);
  sequences.append(9, 500);
  sequences.append(131, 3);
  return sequences;
}

/// A stack and what it reads.
template <class T>
struct Reading {
  Transformer<T> stack;
  Sequences sequences;
  Tensor<T> x;
  ProjectedMemory<T> memory;

  explicit Reading(const BlockConfig& config, Sequences read = long_sequences())
      : stack(random_transformer<T>(config, layers)), sequences(std::move(read)) {
    x = random_tensor<T>({sequences.rows(), width}, 9);
    Memory<T> encoded;
    for (std::int64_t b = 0; b < sequences.count(); ++b) encoded.sequences.append(3 + 2 * b);
    encoded.rows = random_tensor<T>({encoded.sequences.rows(), memory_width}, 10);
    Pass<T> pass;
    if (config.cross_attention) memory = project(encoded, stack, pass);
  }

  const ProjectedMemory<T>* memory_or_none() const { return memory.key_values.empty() ? nullptr : &memory; }

  /// The rotation of rows in sequences that become as long as these.
  Rotation<T> rotation_of(const Sequences& rows) const {
    const auto& attention = stack.config.attention;
    if (attention.position != PositionScheme::rotary) return {};
    return rotation<T>(rows,
                       rotary_frequencies(attention.rotary, attention.head_width, sequences.positions()));
  }

  Tensor<T> whole() const {
    Pass<T> pass;
    return transformer(x.clone(), stack, {.sequences = sequences, .memory = memory_or_none()}, pass);
  }

  /// The same rows through a cache, up to `most` of a sequence at a time; sequences end where they end.
  Tensor<T> in_pieces(std::int64_t most, KeyValueCache<T>& cache) const {
    std::vector<std::int64_t> done(static_cast<std::size_t>(sequences.count()), 0);
    auto y = Tensor<T>::zeros(x.shape());
    for (bool more = true; more;) {
      Sequences piece;
      std::vector<std::int64_t> rows;
      for (std::int64_t b = 0; b < sequences.count(); ++b) {
        auto& read = done[static_cast<std::size_t>(b)];
        const auto length = std::min(most, sequences[b].length - read);
        piece.append(length, sequences[b].first + read);
        for (std::int64_t i = 0; i < length; ++i) rows.push_back(sequences[b].begin + read++);
      }
      more = !rows.empty();
      if (!more) break;
      Pass<T> pass;
      const auto angles = rotation_of(piece);
      const auto part = transformer(gather<T>(x, rows, pass), stack,
                                    {.sequences = piece,
                                     .rotation = angles.empty() ? nullptr : &angles,
                                     .cache = &cache,
                                     .memory = memory_or_none()},
                                    pass);
      for (std::size_t i = 0; i < rows.size(); ++i)
        std::copy_n(part.row(static_cast<std::int64_t>(i)), width, y.row(rows[i]));
    }
    return y;
  }

  Tensor<T> in_pieces(std::int64_t most, CacheType type = CacheType::full) const {
    KeyValueCache<T> cache(stack.config.attention, layers, type);
    return in_pieces(most, cache);
  }
};

class Decoding : public ::testing::TestWithParam<Variant> {};

TEST_P(Decoding, InPiecesOfAnySizeEqualsTheWholeForward) {
  const Reading<double> reading(config_of(GetParam()));
  const auto whole = reading.whole();
  for (const std::int64_t most : {1, 2, 7, 64, 65, 200})
    EXPECT_LT(difference(reading.in_pieces(most), whole), 1e-12) << most;
}

TEST_P(Decoding, InFloatEqualsTheWholeForward) {
  Reading<float> reading(config_of(GetParam()));
  const auto whole = reading.whole();
  double largest = 1;
  for (std::int64_t i = 0; i < whole.size(); ++i)
    largest = std::max(largest, std::abs(static_cast<double>(whole.data()[i])));
  for (const std::int64_t most : {1, 7, 200})
    EXPECT_LT(difference(reading.in_pieces(most), whole), 1e-6 * largest) << most;
  pack(reading.stack);
  const auto packed = reading.whole();
  EXPECT_LT(difference(reading.in_pieces(1), packed), 1e-6 * largest);
}

// Up to a page of rows in one piece: the same products in the same order.
TEST_P(Decoding, InOnePieceEqualsTheWholeForwardBitForBit) {
  Sequences sequences;
  sequences.append(64);
  sequences.append(9, 7);
  const Reading<float> single(config_of(GetParam()), sequences);
  EXPECT_EQ(difference(single.in_pieces(64), single.whole()), 0);
  const Reading<double> exact(config_of(GetParam()), sequences);
  EXPECT_EQ(difference(exact.in_pieces(64), exact.whole()), 0);
}

// float16 has 11 bits: keys and values are off by one part in 2048 at most.
TEST_P(Decoding, WithAFloat16CacheIsNear) {
  const Reading<float> reading(config_of(GetParam()));
  const auto whole = reading.whole(), rounded = reading.in_pieces(1, CacheType::f16);
  EXPECT_LT(difference(rounded, whole), 1e-2);
  EXPECT_GT(difference(rounded, whole), 1e-6);
  // Products of other shapes end in other last bits, which may round a key the other way.
  EXPECT_LT(difference(reading.in_pieces(7, CacheType::f16), rounded), 4e-3);
}

TEST_P(Decoding, ComputesTheWantedRowsAlone) {
  const Reading<double> reading(config_of(GetParam()));
  const auto& sequences = reading.sequences;
  std::vector<std::int64_t> last, before_last, one(3, 1);
  Sequences prompt;
  for (const auto& sequence : sequences) {
    last.push_back(sequence.end() - 1);
    prompt.append(sequence.length - 1, sequence.first);
  }
  std::vector<std::int64_t> rows;
  for (const auto& sequence : sequences) {
    for (auto i = sequence.begin; i + 1 < sequence.end(); ++i) rows.push_back(i);
  }
  for (const auto& sequence : prompt) before_last.push_back(sequence.end() - 1);
  Pass<double> pass;
  KeyValueCache<double> cache(reading.stack.config.attention, layers);
  const auto read = [&](const std::vector<std::int64_t>& from, const Sequences& piece,
                        std::span<const std::int64_t> wanted) {
    const auto angles = reading.rotation_of(piece);
    return transformer(gather<double>(reading.x, from, pass), reading.stack,
                       {.sequences = piece,
                        .wanted = wanted,
                        .rotation = angles.empty() ? nullptr : &angles,
                        .cache = &cache,
                        .memory = reading.memory_or_none()},
                       pass);
  };
  const auto whole = reading.whole();
  const auto first = read(rows, prompt, before_last);
  const auto second = read(last, cache.following(one), {});
  for (std::int64_t b = 0; b < 3; ++b) {
    for (std::int64_t j = 0; j < width; ++j) {
      EXPECT_NEAR(first.row(b)[j], whole.row(sequences[b].end() - 2)[j], 1e-12);
      EXPECT_NEAR(second.row(b)[j], whole.row(sequences[b].end() - 1)[j], 1e-12);
    }
  }
}

// Two prompts, four beams: two go on from each, in another order, and one of each ends while its twin goes
// on.
TEST_P(Decoding, OfGatheredBeamsEqualsReadingEachFromItsBeginning) {
  const auto config = config_of(GetParam());
  Sequences prompts;
  prompts.append(70);
  prompts.append(9, 5);
  const Reading<double> reading(config, prompts);
  const std::vector<std::int64_t> parents{1, 0, 0, 1}, again{3, 0, 1, 2}, one(4, 1);
  const auto further = random_tensor<double>({12, width}, 20);  // three rows of each beam

  // Each beam from its beginning: its prompt, then its rows.
  Sequences sequences;
  auto all = reading.memory;
  std::vector<std::vector<std::int64_t>> rows_of(4);
  for (std::int64_t step = 0; step < 3; ++step) {
    auto next = rows_of;
    for (std::size_t beam = 0; beam < 4; ++beam) {
      if (step == 1) next[beam] = rows_of[static_cast<std::size_t>(again[beam])];
      next[beam].push_back(step * 4 + static_cast<std::int64_t>(beam));
    }
    rows_of = next;
  }
  std::vector<std::int64_t> final_parents;
  for (const auto beam : again) final_parents.push_back(parents[static_cast<std::size_t>(beam)]);
  Tensor<double> x({2 * (70 + 9) + 12, width});
  double* to = x.data();
  for (std::size_t beam = 0; beam < 4; ++beam) {
    const auto& prompt = prompts[final_parents[beam]];
    sequences.append(prompt.length + 3, prompt.first);
    to = std::copy_n(reading.x.row(prompt.begin), prompt.length * width, to);
    for (const auto row : rows_of[beam]) to = std::copy_n(further.row(row), width, to);
  }
  all.sequences =
      reading.memory.sequences.gather(config.cross_attention ? final_parents : std::vector<std::int64_t>{});
  const auto frequencies = [&](const Sequences& rows) {
    const auto& attention = config.attention;
    return attention.position == PositionScheme::rotary
               ? rotation<double>(rows, rotary_frequencies(attention.rotary, attention.head_width, 73))
               : Rotation<double>{};
  };
  const auto run = [&](Tensor<double> values, const Sequences& rows, KeyValueCache<double>* cache,
                       const ProjectedMemory<double>& memory) {
    Pass<double> pass;
    const auto angles = frequencies(rows);
    return transformer(std::move(values), reading.stack,
                       {.sequences = rows,
                        .rotation = angles.empty() ? nullptr : &angles,
                        .cache = cache,
                        .memory = config.cross_attention ? &memory : nullptr},
                       pass);
  };
  const auto expected = run(x, sequences, nullptr, all);

  KeyValueCache<double> cache(config.attention, layers);
  run(reading.x, prompts, &cache, reading.memory);
  auto memory = reading.memory;
  const auto gather_both = [&](const std::vector<std::int64_t>& from) {
    const auto before = cache.bytes();
    cache.gather(from);
    if (config.cross_attention) memory.sequences = memory.sequences.gather(from);
    EXPECT_EQ(cache.bytes(), before);  // nothing was copied
  };
  gather_both(parents);
  Tensor<double> last;
  for (std::int64_t step = 0; step < 3; ++step) {
    if (step == 1) gather_both(again);
    last = run(further.slice(step * 4, step * 4 + 4), cache.following(one), &cache, memory);
  }
  for (std::int64_t beam = 0; beam < 4; ++beam) {
    for (std::int64_t j = 0; j < width; ++j)
      EXPECT_NEAR(last.row(beam)[j], expected.row(sequences[beam].end() - 1)[j], 1e-12) << beam;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Variants, Decoding,
    ::testing::Values(
        Variant{"PreNorm", [](BlockConfig&) {}},
        Variant{"PostNorm", [](BlockConfig& c) { c.norm_place = NormPlace::post; }},
        Variant{"Grouped", [](BlockConfig& c) { c.attention.key_value_heads = 2; }},
        Variant{"Rotary", [](BlockConfig& c) { turn(c, RotaryScaling::none); }},
        Variant{"RotaryOfAPartInterleavedGrouped",
                [](BlockConfig& c) {
                  turn(c, RotaryScaling::none);
                  c.attention.rotary.width = 2;
                  c.attention.rotary.pairs = RotaryPairs::interleaved;
                  c.attention.key_value_heads = 1;
                }},
        Variant{"RotaryLinear", [](BlockConfig& c) { turn(c, RotaryScaling::linear); }},
        Variant{"RotaryDynamic", [](BlockConfig& c) { turn(c, RotaryScaling::dynamic); }},
        Variant{"RotaryByWavelength", [](BlockConfig& c) { turn(c, RotaryScaling::by_wavelength); }},
        Variant{"RotaryLongRope", [](BlockConfig& c) { turn(c, RotaryScaling::longrope); }},
        Variant{"RelativeBias",
                [](BlockConfig& c) {
                  c.attention.position = PositionScheme::relative_bias;
                  c.attention.relative = {.count = 8, .farthest = 20, .sides = BucketSides::backward};
                }},
        Variant{"Crossing", cross},
        Variant{"CrossingPostNormGrouped",
                [](BlockConfig& c) {
                  c.norm_place = NormPlace::post;
                  c.attention.key_value_heads = 2;
                  cross(c);
                  c.cross_attention->key_value_heads = 1;
                }},
        Variant{"CrossingRelativeBias",
                [](BlockConfig& c) {
                  c.attention.position = PositionScheme::relative_bias;
                  c.attention.relative = {.count = 8, .farthest = 20, .sides = BucketSides::backward};
                  c.attention.scale = 1;
                  cross(c);
                }}),
    [](const auto& v) { return v.param.name; });

}  // namespace
}  // namespace beeld
