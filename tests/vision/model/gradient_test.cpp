#include <gtest/gtest.h>

#include "tests/support/central_differences.h"
#include "tests/vision/model/random_tower.h"

namespace beeld {
namespace {

using testing::clip_tower;
using testing::random_picture;
using testing::random_tower;
using Variant = testing::TowerVariant;

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

INSTANTIATE_TEST_SUITE_P(Variants, VisionTowerGradients, ::testing::ValuesIn(testing::tower_variants()),
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
