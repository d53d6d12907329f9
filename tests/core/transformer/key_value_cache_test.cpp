#include "core/transformer/key_value_cache.h"

#include <beeld/error.h>
#include <gtest/gtest.h>

#include "core/tensor/tape.h"
#include "core/transformer/block.h"
#include "tests/support/expect_error.h"
#include "tests/support/random_weights.h"

namespace beeld {
namespace {

using testing::difference;
using testing::random_tensor;

constexpr std::int64_t heads = 2, width = 3, row = 2 * heads * width;
constexpr int layers = 2;

AttentionConfig two_heads() {
  AttentionConfig config;
  config.heads = 4;
  config.key_value_heads = heads;
  config.head_width = width;
  return config;
}

Sequences sequences_of(std::initializer_list<std::int64_t> lengths) {
  Sequences sequences;
  for (const auto length : lengths) sequences.append(length);
  return sequences;
}

template <class T>
void append(KeyValueCache<T>& cache, const Sequences& rows, std::uint64_t seed) {
  cache.open(rows);
  for (int layer = 0; layer < layers; ++layer)
    cache.write(layer, random_tensor<T>({rows.rows(), row}, seed + static_cast<std::uint64_t>(layer)));
  cache.close();
}

/// Everything that a cache holds of one sequence: [layers * 2 * heads * rows, D]
template <class T>
std::vector<T> values_of(const KeyValueCache<T>& cache, std::int64_t sequence) {
  constexpr auto page_rows = KeyValueCache<T>::page_rows;
  std::vector<T> values, room(static_cast<std::size_t>(page_rows * width));
  const auto length = cache.sequences()[sequence].length;
  for (int layer = 0; layer < layers; ++layer) {
    for (const auto part : {CachePart::keys, CachePart::values}) {
      for (std::int64_t h = 0; h < heads; ++h) {
        for (std::int64_t page = 0; page * page_rows < length; ++page) {
          const auto* from = cache.rows({sequence, page, layer, part, h}, room.data());
          const auto count = std::min(length - page * page_rows, page_rows);
          values.insert(values.end(), from, from + count * width);
        }
      }
    }
  }
  return values;
}

TEST(KeyValueCache, HoldsWhatWasWritten) {
  KeyValueCache<double> cache(two_heads(), layers);
  const auto rows = sequences_of({1, 70});
  append(cache, rows, 5);
  const auto first = random_tensor<double>({71, row}, 5), second = random_tensor<double>({71, row}, 6);
  for (std::int64_t j = 0; j < width; ++j) {
    EXPECT_EQ(cache.rows({0, 0, 0, CachePart::keys, 1}, nullptr)[j], first.row(0)[width + j]);
    EXPECT_EQ(cache.rows({1, 1, 1, CachePart::values, 0}, nullptr)[2 * width + j],
              second.row(1 + 64 + 2)[heads * width + j]);
  }
  EXPECT_EQ(cache.sequences()[1].length, 70);
}

// The address of what is there never changes, however much is appended.
TEST(KeyValueCache, AppendsWithoutMovingWhatIsThere) {
  KeyValueCache<float> cache(two_heads(), layers);
  append(cache, sequences_of({3, 0}), 1);
  const auto* place = cache.rows({0, 0, 1, CachePart::values, 1}, nullptr);
  const std::vector<std::int64_t> some{5, 2}, none{0, 0};
  for (int i = 0; i < 40; ++i) append(cache, cache.following(some), 2);
  append(cache, cache.following(none), 2);
  EXPECT_EQ(cache.rows({0, 0, 1, CachePart::values, 1}, nullptr), place);
  EXPECT_EQ(cache.sequences()[0].length, 203);
  EXPECT_EQ(cache.sequences()[1].length, 80);
  EXPECT_EQ(cache.bytes(), (4 + 2) * 64 * layers * static_cast<std::size_t>(row) * sizeof(float));
}

TEST(KeyValueCache, SharesPagesUntilASequenceGoesOn) {
  KeyValueCache<float> cache(two_heads(), layers);
  append(cache, sequences_of({70, 5}), 1);
  const auto page = cache.bytes() / 3;
  const auto before = values_of(cache, 0);
  const std::vector<std::int64_t> parents{0, 0, 0, 1}, lengths{1, 2, 0, 1};
  cache.gather(parents);
  EXPECT_EQ(cache.bytes(), 3 * page);
  append(cache, cache.following(lengths), 20);
  // The full page stays shared; of the half-empty one, two of three went on and the third is as it was.
  EXPECT_EQ(cache.bytes(), (1 + 3 + 1) * page);
  EXPECT_EQ(values_of(cache, 2), before);
  EXPECT_NE(values_of(cache, 0), values_of(cache, 1));
  const auto copied = cache.rows({0, 1, 1, CachePart::values, 1}, nullptr);
  EXPECT_TRUE(std::equal(copied, copied + 6 * width, cache.rows({2, 1, 1, CachePart::values, 1}, nullptr)));
}

TEST(KeyValueCache, GoesOnApartFromItsCopy) {
  KeyValueCache<float> cache(two_heads(), layers);
  append(cache, sequences_of({5}), 1);
  auto copy = cache;
  const std::vector<std::int64_t> one{1};
  append(cache, cache.following(one), 7);
  append(copy, copy.following(one), 8);
  KeyValueCache<float> alone(two_heads(), layers);
  append(alone, sequences_of({5}), 1);
  append(alone, alone.following(one), 7);
  EXPECT_EQ(values_of(cache, 0), values_of(alone, 0));
  EXPECT_NE(values_of(copy, 0), values_of(alone, 0));
}

TEST(KeyValueCache, ForgetsItsLastRows) {
  KeyValueCache<float> cache(two_heads(), layers), other(two_heads(), layers);
  for (auto* each : {&cache, &other}) append(*each, sequences_of({60}), 1);
  const std::vector<std::int64_t> sixty{60}, ten{10};
  append(cache, cache.following(ten), 2);
  cache.truncate(sixty);
  EXPECT_EQ(cache.sequences()[0].length, 60);
  for (auto* each : {&cache, &other}) append(*each, each->following(ten), 3);
  EXPECT_EQ(values_of(cache, 0), values_of(other, 0));
}

TEST(KeyValueCache, TakesHalfTheMemoryInFloat16) {
  KeyValueCache<float> full(two_heads(), layers), half(two_heads(), layers, CacheType::f16);
  for (auto* cache : {&full, &half}) append(*cache, sequences_of({70, 5}), 1);
  EXPECT_EQ(2 * half.bytes(), full.bytes());
  const auto exact = values_of(full, 0), rounded = values_of(half, 0);
  ASSERT_EQ(exact.size(), rounded.size());
  for (std::size_t i = 0; i < exact.size(); ++i)
    EXPECT_NEAR(rounded[i], exact[i], std::max(std::abs(exact[i]), 1e-4F) / 2048);
}

template <class Do>
void expect_refused(const Do& refused, const std::string& part) {
  try {
    refused();
    FAIL() << "not refused: " << part;
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
    EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
  }
}

TEST(KeyValueCache, RefusesWhatDoesNotFollow) {
  KeyValueCache<float> cache(two_heads(), layers);
  append(cache, sequences_of({5, 3}), 1);
  const std::vector<std::int64_t> two{0, 2}, many{6, 0}, one{1};
  expect_refused([&] { cache.open(sequences_of({1, 1})); }, "behind positions 0 to 4");
  expect_refused([&] { cache.open(sequences_of({1})); }, "rows of 1 sequences for 2");
  expect_refused([&] { cache.gather(two); }, "sequence 2 of 2");
  expect_refused([&] { cache.truncate(many); }, "the first 6 rows of 5");
  expect_refused([&] { cache.following(one); }, "1 lengths for 2");
  cache.open(cache.following(two));
  expect_refused([&] { cache.write(0, Tensor<float>({2, row - 1})); }, "keys and values [2,11]");
  expect_refused([&] { cache.write(layers, Tensor<float>({2, row})); }, "of layer 2");
}

struct Stack {
  BlockConfig config;
  Transformer<double> weights;

  explicit Stack(PositionScheme position = PositionScheme::added) {
    config.width = 8;
    config.mlp_width = 12;
    set_heads(config, 2);
    config.attention.mask = AttentionMask::causal;
    config.attention.position = position;
    config.attention.rotary.scaling = RotaryScaling::dynamic;
    config.attention.rotary.factor = 2;
    config.attention.rotary.original_length = 4;
    weights = testing::random_transformer<double>(config, 2);
  }
};

// A pass that fails leaves the cache as it was, and what it had taken goes to nobody else.
TEST(KeyValueCache, SurvivesAPassThatFails) {
  const Stack stack;
  Pass<double> pass;
  KeyValueCache<double> cache(stack.config.attention, 2), other = cache;
  const auto prompt = random_tensor<double>({5, 8}, 1), next = random_tensor<double>({2, 8}, 2);
  auto broken = stack.weights;
  broken.blocks[1].attention.key_value = testing::random_linear<double>({8, 8}, 3);  // too narrow
  for (auto* each : {&cache, &other})
    transformer(prompt, stack.weights, {.sequences = sequences_of({5}), .cache = each}, pass);
  const std::vector<std::int64_t> many{100}, both{0, 0}, one{1, 1};
  const auto rows = random_tensor<double>({100, 8}, 4);
  testing::expect_error(ErrorCode::invalid_argument, "keys and values [100,8] of layer 1", [&] {
    transformer(rows, broken, {.sequences = cache.following(many), .cache = &cache}, pass);
  });
  EXPECT_EQ(cache.sequences()[0].length, 5);
  std::vector<Tensor<double>> results;
  for (auto* each : {&cache, &other}) {
    each->gather(both);
    results.push_back(
        transformer(next, stack.weights, {.sequences = each->following(one), .cache = each}, pass));
  }
  EXPECT_EQ(difference(results[0], results[1]), 0);
}

TEST(KeyValueCache, KeepsNoGradients) {
  const Stack stack;
  Tape<double> tape;
  Pass<double> pass;
  pass.tape = &tape;
  KeyValueCache<double> cache(stack.config.attention, 2);
  const auto x = random_tensor<double>({2, 8}, 1);
  expect_refused(
      [&] { transformer(x, stack.weights, {.sequences = sequences_of({2}), .cache = &cache}, pass); },
      "a cache keeps no gradients");
}

// Keys that were turned by the frequencies of a short sequence do not fit queries of a long one.
TEST(KeyValueCache, RefusesOtherFrequenciesThanItsKeysHave) {
  const Stack stack(PositionScheme::rotary);
  Pass<double> pass;
  KeyValueCache<double> cache(stack.config.attention, 2);
  const auto x = random_tensor<double>({3, 8}, 1);
  const std::vector<std::int64_t> one{1}, two{2};
  transformer(x, stack.weights, {.sequences = sequences_of({3}), .cache = &cache}, pass);
  transformer(x.slice(0, 1), stack.weights, {.sequences = cache.following(one), .cache = &cache}, pass);
  expect_refused(
      [&] {
        transformer(x.slice(0, 1), stack.weights, {.sequences = cache.following(one), .cache = &cache}, pass);
      },
      "are not those of the cached keys");
}

}  // namespace
}  // namespace beeld
