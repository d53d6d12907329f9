#include <gtest/gtest.h>

#include "tests/support/central_differences.h"
#include "tests/support/random_weights.h"
#include "vision/model/tower.h"

namespace beeld {
namespace {

using testing::random_tensor;

constexpr std::int64_t width = 8;
constexpr int patch = 2;

Pixels random_picture(int height, int columns, std::uint64_t seed) {
  const auto values = random_tensor<float>({3 * height * columns}, seed);
  return {height, columns, {values.data(), values.data() + values.size()}};
}

/// One family of vision towers, as a change of one with a class token and pre-norm blocks.
struct Variant {
  const char* name;
  std::function<void(VisionConfig&)> change;
};

template <class T>
VisionTower<T> random_tower(const Variant& variant) {
  VisionTower<T> tower;
  auto& config = tower.config;
  config.image_height = config.image_width = 3 * patch;
  config.patch = patch;
  config.class_tokens = config.positioned_tokens = 1;
  config.positions = {3, 3};
  config.block.width = width;
  config.block.mlp_width = 12;
  set_heads(config.block, 2);
  config.layers = 2;
  variant.change(config);
  const auto& block = config.block;
  tower.patch_embedding =
      testing::random_linear<T>({width, std::int64_t{3} * patch * patch}, 1, config.patch_bias);
  if (config.prefix() > 0) tower.prefix = random_tensor<T>({config.prefix(), width}, 3);
  const auto places = std::int64_t{config.positions.rows} * config.positions.columns;
  tower.positions = random_tensor<T>({config.positioned_tokens + places, width}, 4);
  if (config.input_norm == InputNorm::present) tower.input_norm = testing::random_norm<T>(block, 5);
  tower.encoder = testing::random_transformer<T>(block, config.layers);
  if (config.output_norm != OutputNorm::absent) tower.output_norm = testing::random_norm<T>(block, 7);
  if (config.pool == VisionPool::probe) {
    tower.probe = {.config = block,
                   .probe = random_tensor<T>({1, width}, 9),
                   .attention = testing::random_attention<T>(block, 900),
                   .norm = testing::random_norm<T>(block, 11),
                   .mlp = testing::random_mlp<T>(block, 950)};
  }
  const auto pooled = config.pool == VisionPool::first_and_mean ? 2 * width : width;
  tower.projection = testing::random_linear<T>({5, pooled}, 13, Bias::absent);
  return tower;
}

template <class T>
testing::Checked<T> parameters(const VisionTower<T>& tower) {
  testing::Checked<T> checked;
  checked.add("patch_embedding", tower.patch_embedding);
  checked.add("prefix", tower.prefix);
  checked.add("positions", tower.positions);
  checked.add("input_norm", tower.input_norm);
  checked.add("encoder", tower.encoder);
  checked.add("output_norm", tower.output_norm);
  checked.add("probe", tower.probe.probe);
  checked.add("probe.attention", tower.probe.attention);
  checked.add("probe.norm", tower.probe.norm);
  checked.add("probe.mlp", tower.probe.mlp);
  checked.add("projection", tower.projection);
  return checked;
}

void clip_tower(VisionConfig& config) {
  config.input_norm = InputNorm::present;
  config.block.activation = Activation::quick_gelu;
}

class VisionTowerGradients : public ::testing::TestWithParam<Variant> {};

/// Pictures, and what is kept of them.
struct Batch {
  std::vector<Pixels> pictures;
  std::vector<std::vector<std::int32_t>> kept;
};

template <class T>
testing::Forward<T> forward_of(const VisionTower<T>& tower, const Batch& batch) {
  return [&](Pass<T>& pass) { return encode<T>(tower, batch.pictures, pass, batch.kept); };
}

const Batch whole{{random_picture(6, 6, 21), random_picture(6, 6, 22)}, {}};
const Batch partly{whole.pictures, {{0, 4, 5, 7}, {8, 1}}};

TEST_P(VisionTowerGradients, EqualCentralDifferences) {
  const auto tower = random_tower<double>(GetParam());
  testing::expect_gradients(parameters(tower), forward_of(tower, whole));
}

TEST_P(VisionTowerGradients, EqualCentralDifferencesOfTheKeptPatches) {
  const auto tower = random_tower<double>(GetParam());
  testing::expect_gradients(parameters(tower), forward_of(tower, partly));
}

TEST_P(VisionTowerGradients, AreTheSameInFloat) {
  const auto exact = random_tower<double>(GetParam());
  const auto tower = random_tower<float>(GetParam());
  for (const auto& batch : {whole, partly}) {
    testing::expect_gradients_in_float(testing::gradients_of(parameters(tower), forward_of(tower, batch)),
                                       testing::gradients_of(parameters(exact), forward_of(exact, batch)));
  }
}

INSTANTIATE_TEST_SUITE_P(Variants, VisionTowerGradients,
                         ::testing::Values(Variant{"ClassToken", clip_tower},
                                           Variant{"Registers",
                                                   [](VisionConfig& c) {
                                                     c.registers = 2;
                                                     c.block.residual_scale = ResidualScale::learned;
                                                     c.output_norm = OutputNorm::after_pooling;
                                                   }},
                                           Variant{"NoPrefixAndMean",
                                                   [](VisionConfig& c) {
                                                     c.class_tokens = c.positioned_tokens = 0;
                                                     c.pool = VisionPool::mean;
                                                     c.output_norm = OutputNorm::after_pooling;
                                                     c.patch_bias = Bias::present;
                                                   }},
                                           Variant{"FirstAndMean",
                                                   [](VisionConfig& c) {
                                                     c.pool = VisionPool::first_and_mean;
                                                     c.registers = 1;
                                                     c.positioned_tokens = 2;
                                                   }},
                                           Variant{"Probe",
                                                   [](VisionConfig& c) {
                                                     c.class_tokens = c.positioned_tokens = 0;
                                                     c.pool = VisionPool::probe;
                                                     c.patch_bias = Bias::present;
                                                     c.block.activation = Activation::gelu_tanh;
                                                   }},
                                           Variant{"PostNorm",
                                                   [](VisionConfig& c) {
                                                     c.block.norm_place = NormPlace::post;
                                                     c.output_norm = OutputNorm::absent;
                                                   }}),
                         [](const auto& v) { return v.param.name; });

// Pictures of three grids, one the positions' own, in one batch.
TEST(FittedPositions, HaveTheGradientsOfCentralDifferences) {
  const Batch all{{random_picture(8, 4, 21), random_picture(6, 6, 22), random_picture(4, 10, 23),
                   random_picture(8, 4, 24)},
                  {}};
  const Batch some{all.pictures, {{0, 3, 6}, {4, 8}, {0, 9}, {7, 1, 2, 3}}};
  for (const auto fit : {GridFit::bicubic, GridFit::bicubic_antialias, GridFit::bilinear_antialias}) {
    const auto tower = random_tower<double>({"", [&](VisionConfig& config) {
                                               clip_tower(config);
                                               config.fit = fit;
                                               config.layers = 1;
                                             }});
    testing::expect_gradients(parameters(tower), forward_of(tower, all));
    testing::expect_gradients(parameters(tower), forward_of(tower, some));
  }
}

}  // namespace
}  // namespace beeld
