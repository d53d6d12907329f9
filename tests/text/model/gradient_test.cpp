#include <gtest/gtest.h>

#include "tests/support/central_differences.h"
#include "tests/support/random_weights.h"
#include "text/model/tower.h"

namespace beeld {
namespace {

using testing::random_tensor;

constexpr std::int64_t width = 8, vocabulary = 11, context = 6;
constexpr std::int32_t end_id = 10;

/// One family of text towers, as a change of a pre-norm one that reads every token.
struct Variant {
  const char* name;
  std::function<void(TextConfig&)> change;
};

template <class T>
TextTower<T> random_tower(const Variant& variant) {
  TextTower<T> tower;
  auto& config = tower.config;
  config.vocabulary = vocabulary;
  config.context_length = context;
  config.block.width = width;
  config.block.mlp_width = 12;
  set_heads(config.block, 2);
  config.layers = 2;
  config.end_id = end_id;
  variant.change(config);
  tower.tokens = random_tensor<T>({vocabulary, width}, 1);
  tower.positions = random_tensor<T>({context, width}, 2);
  if (config.segments == Segments::present) tower.segment = random_tensor<T>({1, width}, 3);
  if (config.embedding_norm == EmbeddingNorm::present) {
    tower.embedding_norm = testing::random_norm<T>(config.block, 4);
  }
  tower.encoder = testing::random_transformer<T>(config.block, config.layers);
  if (config.final_norm == FinalNorm::present) {
    tower.final_norm = testing::random_norm<T>(config.block, 6);
  }
  if (config.pool == TextPool::mean)
    tower.head.push_back({testing::random_linear<T>({width, width}, 12), Activation::tanh});
  tower.projection = testing::random_linear<T>({5, width}, 8);
  return tower;
}

template <class T>
testing::Checked<T> parameters(const TextTower<T>& tower) {
  testing::Checked<T> checked;
  checked.add("tokens", tower.tokens);
  checked.add("positions", tower.positions);
  checked.add("segment", tower.segment);
  checked.add("embedding_norm", tower.embedding_norm);
  checked.add("encoder", tower.encoder);
  checked.add("final_norm", tower.final_norm);
  for (const auto& layer : tower.head) checked.add("head", layer.weights);
  checked.add("projection", tower.projection);
  return checked;
}

class TextTowerGradients : public ::testing::TestWithParam<Variant> {};

// Texts of several lengths, tokens that repeat within one and across two.
const std::vector<std::vector<std::int32_t>> texts{{1, 2, 3, 2, end_id}, {1, end_id}, {1, 4, 3, end_id}};

template <class T>
testing::Forward<T> forward_of(const TextTower<T>& tower) {
  return [&tower](Pass<T>& pass) { return encode<T>(tower, texts, pass); };
}

TEST_P(TextTowerGradients, EqualCentralDifferences) {
  const auto tower = random_tower<double>(GetParam());
  testing::expect_gradients(parameters(tower), forward_of(tower));
}

TEST_P(TextTowerGradients, AreTheSameInFloat) {
  const auto exact = random_tower<double>(GetParam());
  const auto tower = random_tower<float>(GetParam());
  testing::expect_gradients_in_float(testing::gradients_of(parameters(tower), forward_of(tower)),
                                     testing::gradients_of(parameters(exact), forward_of(exact)));
}

INSTANTIATE_TEST_SUITE_P(Variants, TextTowerGradients,
                         ::testing::Values(Variant{"PreNormCausalAtTheEndToken",
                                                   [](TextConfig& c) {
                                                     c.block.attention.mask = AttentionMask::causal;
                                                     c.block.activation = Activation::quick_gelu;
                                                   }},
                                           Variant{"LargestId",
                                                   [](TextConfig& c) {
                                                     c.pool = TextPool::largest_id;
                                                     c.block.attention.mask = AttentionMask::causal;
                                                   }},
                                           Variant{"LastOfThePaddedContext",
                                                   [](TextConfig& c) {
                                                     c.pool = TextPool::last;
                                                     c.padding = TextPadding::to_context;
                                                     c.pad_id = 5;
                                                     c.block.activation = Activation::gelu_tanh;
                                                   }},
                                           Variant{"PostNormWithSegmentsAndEmbeddingNorm",
                                                   [](TextConfig& c) {
                                                     c.pool = TextPool::first;
                                                     c.segments = Segments::present;
                                                     c.embedding_norm = EmbeddingNorm::present;
                                                     c.final_norm = FinalNorm::absent;
                                                     c.block.norm_place = NormPlace::post;
                                                   }},
                                           Variant{"MeanThroughAHeadOfLengthOne",
                                                   [](TextConfig& c) {
                                                     c.pool = TextPool::mean;
                                                     c.pad_id = 2;
                                                     c.pads = PadTokens::masked;
                                                     c.embedding_length = EmbeddingLength::one;
                                                   }},
                                           Variant{"Max", [](TextConfig& c) { c.pool = TextPool::max; }},
                                           Variant{"WithoutBlocks", [](TextConfig& c) { c.layers = 0; }}),
                         [](const auto& v) { return v.param.name; });

}  // namespace
}  // namespace beeld
