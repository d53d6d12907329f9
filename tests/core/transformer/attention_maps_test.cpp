#include "core/transformer/attention_maps.h"

#include <gtest/gtest.h>

#include <numeric>

#include "core/tensor/tape.h"
#include "core/transformer/block.h"
#include "tests/support/random_weights.h"

namespace beeld {
namespace {

using testing::difference;
using testing::random_tensor;

/// A decoder of three layers, with four heads of which two share their keys, that has read two sequences
/// beside a memory.
struct Decoder {
  BlockConfig config;
  Transformer<double> stack;
  Sequences sequences;
  ProjectedMemory<double> memory;
  Tensor<double> x;

  Decoder() {
    config.width = 8;
    config.mlp_width = 12;
    set_heads(config, 4);
    config.cross_attention = config.attention;
    config.attention.key_value_heads = 2;
    config.memory_width = 6;
    config.attention.mask = AttentionMask::causal;
    stack = testing::random_transformer<double>(config, 3);
    sequences.append(4);
    sequences.append(2);
    x = random_tensor<double>({6, 8}, 1);
    Pass<double> pass;
    memory = project<double>({random_tensor<double>({8, 6}, 2), Sequences::equal(2, 4)}, stack, pass);
  }

  Tensor<double> run(AttentionMaps<double>* maps, std::span<const std::int64_t> wanted = {},
                     Tape<double>* tape = nullptr) const {
    Pass<double> pass;
    pass.maps = maps;
    pass.tape = tape;
    return transformer(x.clone(), stack, {.sequences = sequences, .wanted = wanted, .memory = &memory}, pass);
  }
};

// The lecture's numbers: scores of 14 and 12 become 0.88 and 0.12.
TEST(AttentionMaps, HoldTheProbabilities) {
  AttentionConfig config;
  config.heads = config.key_value_heads = 1;
  config.head_width = 1;
  config.scale = 0.125;
  Tensor<double> q({1, 1}), kv({2, 2});
  q.row(0)[0] = 1;
  kv.row(0)[0] = 112;
  kv.row(1)[0] = 96;
  kv.row(0)[1] = kv.row(1)[1] = 0;
  const auto queries = Sequences::equal(1, 1), keys = Sequences::equal(1, 2);
  AttentionMaps<double> maps;
  Pass<double> pass;
  pass.maps = &maps;
  attention<double>({q, kv, queries, keys}, config, pass);
  ASSERT_EQ(maps.found.size(), 1U);
  EXPECT_EQ(maps.found[0].probabilities.shape(), (Shape{1, 2}));
  EXPECT_NEAR(maps.found[0].probabilities.row(0)[0], 1 / (1 + std::exp(-2.0)), 1e-12);
}

TEST(AttentionMaps, AreThoseAskedForInOrder) {
  const Decoder decoder;
  AttentionMaps<double> all, some;
  const auto y = decoder.run(&all);
  EXPECT_EQ(difference(decoder.run(nullptr), y), 0);
  ASSERT_EQ(all.found.size(), 3U * 2 * 2 * 4);  // layers, kinds, sequences, heads
  for (const auto& [place, head, sequence, probabilities] : all.found) {
    const auto length = decoder.sequences[sequence].length;
    const bool self = place.kind == AttentionKind::self;
    EXPECT_EQ(probabilities.shape(), (Shape{length, self ? length : 4}));
    for (std::int64_t i = 0; i < length; ++i) {
      const auto* row = probabilities.row(i);
      EXPECT_NEAR(std::accumulate(row, row + probabilities.columns(), 0.0), 1, 1e-12);
      for (auto j = i + 1; self && j < length; ++j) EXPECT_EQ(row[j], 0);
    }
  }
  some.kinds = {AttentionKind::cross};
  some.layers = {0, 2};
  some.heads = {1};
  decoder.run(&some);
  ASSERT_EQ(some.found.size(), 4U);
  for (std::size_t i = 0; i < 4; ++i) {
    const auto& map = some.found[i];
    EXPECT_EQ(map.place.kind, AttentionKind::cross);
    EXPECT_EQ(map.place.layer, i < 2 ? 0 : 2);
    EXPECT_EQ(map.sequence, static_cast<std::int64_t>(i % 2));
    EXPECT_EQ(map.head, 1);
  }
}

TEST(AttentionMaps, AreTheSameUnderATapeAndOfWantedRows) {
  const Decoder decoder;
  AttentionMaps<double> plain, taped, wanted;
  for (auto* maps : {&plain, &taped, &wanted}) maps->layers = {2};
  Tape<double> tape;
  tape.watch(decoder.x);
  const std::vector<std::int64_t> last{3, 5};
  decoder.run(&plain);
  decoder.run(&taped, {}, &tape);
  decoder.run(&wanted, last);
  ASSERT_EQ(taped.found.size(), plain.found.size());
  ASSERT_EQ(wanted.found.size(), plain.found.size());
  for (std::size_t i = 0; i < plain.found.size(); ++i) {
    const auto& whole = plain.found[i].probabilities;
    EXPECT_EQ(difference(taped.found[i].probabilities, whole), 0);
    EXPECT_LT(difference(wanted.found[i].probabilities, whole.slice(whole.rows() - 1, whole.rows())), 1e-12);
  }
}

TEST(AttentionMaps, ReachBackIntoACache) {
  const Decoder decoder;
  AttentionMaps<double> whole, step;
  for (auto* maps : {&whole, &step}) maps->layers = {1};
  decoder.run(&whole);
  KeyValueCache<double> cache(decoder.config.attention, 3);
  Pass<double> pass;
  Sequences prompt, next;
  prompt.append(3);
  prompt.append(2);
  next.append(1, 3);
  next.append(0, 2);
  Tensor<double> rows({5, 8});
  std::copy_n(decoder.x.row(0), 24, rows.row(0));
  std::copy_n(decoder.x.row(4), 16, rows.row(3));
  transformer(rows, decoder.stack, {.sequences = prompt, .cache = &cache, .memory = &decoder.memory}, pass);
  pass.maps = &step;
  transformer(decoder.x.slice(3, 4), decoder.stack,
              {.sequences = next, .cache = &cache, .memory = &decoder.memory}, pass);
  ASSERT_EQ(step.found.size(), whole.found.size());
  for (const std::size_t head : {0, 1, 2, 3}) {
    const auto expected = whole.found[head].probabilities.slice(3, 4);
    EXPECT_LT(difference(step.found[head].probabilities, expected), 1e-12);
  }
}

}  // namespace
}  // namespace beeld
