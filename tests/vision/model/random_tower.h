#pragma once

#include <functional>
#include <vector>

#include "tests/support/random_weights.h"
#include "vision/model/tower.h"

namespace beeld::testing {

inline constexpr std::int64_t tower_width = 8;
inline constexpr int tower_patch = 2;

inline Pixels random_picture(int height, int columns, std::uint64_t seed) {
  const auto values = random_tensor<float>({3 * height * columns}, seed);
  return {height, columns, {values.data(), values.data() + values.size()}};
}

/// One family of vision towers, as a change of one with a class token and pre-norm blocks.
struct TowerVariant {
  const char* name;
  std::function<void(VisionConfig&)> change;
};

template <class T>
VisionTower<T> random_tower(const TowerVariant& variant) {
  VisionTower<T> tower;
  auto& config = tower.config;
  config.image_height = config.image_width = 3 * tower_patch;
  config.patch = tower_patch;
  config.class_tokens = config.positioned_tokens = 1;
  config.positions = {3, 3};
  config.block.width = tower_width;
  config.block.mlp_width = 12;
  set_heads(config.block, 2);
  config.layers = 2;
  variant.change(config);
  const auto& block = config.block;
  tower.patch_embedding =
      random_linear<T>({tower_width, std::int64_t{3} * tower_patch * tower_patch}, 1, config.patch_bias);
  if (config.prefix() > 0) tower.prefix = random_tensor<T>({config.prefix(), tower_width}, 3);
  const auto places = std::int64_t{config.positions.rows} * config.positions.columns;
  tower.positions = random_tensor<T>({config.positioned_tokens + places, tower_width}, 4);
  if (config.input_norm == InputNorm::present) tower.input_norm = random_norm<T>(block, 5);
  tower.encoder = random_transformer<T>(block, config.layers);
  if (config.output_norm != OutputNorm::absent) tower.output_norm = random_norm<T>(block, 7);
  if (config.pool == VisionPool::probe) {
    tower.probe = {.config = block,
                   .probe = random_tensor<T>({1, tower_width}, 9),
                   .attention = random_attention<T>(block, 900),
                   .norm = random_norm<T>(block, 11),
                   .mlp = random_mlp<T>(block, 950)};
  }
  const auto pooled = config.pool == VisionPool::first_and_mean ? 2 * tower_width : tower_width;
  tower.projection = random_linear<T>({5, pooled}, 13, Bias::absent);
  return tower;
}

inline void clip_tower(VisionConfig& config) {
  config.input_norm = InputNorm::present;
  config.block.activation = Activation::quick_gelu;
}

/// A tower of each pooling, norm and prefix.
inline std::vector<TowerVariant> tower_variants() {
  return {{"ClassToken", clip_tower},
          {"Registers",
           [](VisionConfig& c) {
             c.registers = 2;
             c.block.residual_scale = ResidualScale::learned;
             c.output_norm = OutputNorm::after_pooling;
           }},
          {"NoPrefixAndMean",
           [](VisionConfig& c) {
             c.class_tokens = c.positioned_tokens = 0;
             c.pool = VisionPool::mean;
             c.output_norm = OutputNorm::after_pooling;
             c.patch_bias = Bias::present;
           }},
          {"FirstAndMean",
           [](VisionConfig& c) {
             c.pool = VisionPool::first_and_mean;
             c.registers = 1;
             c.positioned_tokens = 2;
           }},
          {"Probe",
           [](VisionConfig& c) {
             c.class_tokens = c.positioned_tokens = 0;
             c.pool = VisionPool::probe;
             c.patch_bias = Bias::present;
             c.block.activation = Activation::gelu_tanh;
           }},
          {"MaxOfAll",
           [](VisionConfig& c) {
             c.registers = 1;
             c.pool = VisionPool::max;
             c.prefix_pooling = PrefixPooling::included;
           }},
          {"MeanAndMax", [](VisionConfig& c) { c.pool = VisionPool::mean_and_max; }},
          {"ProbeBesideRegisters",
           [](VisionConfig& c) {
             c.registers = 2;
             c.pool = VisionPool::probe;
           }},
          {"RotaryWithInnerNorms",
           [](VisionConfig& c) {
             auto& attention = c.block.attention;
             attention.position = PositionScheme::rotary;
             attention.rotary.pairs = RotaryPairs::interleaved;
             attention.inner_norm = attention.query_key_norm = InnerNorm::present;
             c.rotary_grid = 5;
             c.block.gating = Gating::gated;
             c.block.mlp_inner_norm = InnerNorm::present;
           }},
          {"PostNorm", [](VisionConfig& c) {
             c.block.norm_place = NormPlace::post;
             c.output_norm = OutputNorm::absent;
           }}};
}

}  // namespace beeld::testing
