#include "vision/model/tower.h"

#include <beeld/error.h>
#include <gtest/gtest.h>

#include "core/ops/norm.h"
#include "tests/support/expect_error.h"
#include "tests/vision/model/random_tower.h"

namespace beeld {
namespace {

using testing::clip_tower;
using testing::difference;
using testing::random_picture;
using testing::random_tower;
using testing::TowerVariant;

/// The last two steps for states of every token.
Tensor<double> pool_and_project(const VisionTower<double>& tower, const ImageStates<double>& states) {
  Pass<double> pass;
  return project(tower, pool(tower, states.rows, states.tokens, pass), pass);
}

class VisionTowerSteps : public ::testing::TestWithParam<TowerVariant> {
 protected:
  VisionTower<double> tower_ = random_tower<double>(GetParam());
  std::vector<Pixels> pictures_{random_picture(6, 6, 21), random_picture(6, 6, 22)};
  std::vector<std::vector<std::int32_t>> kept_{{0, 4, 5, 7}, {8, 1}};
  Pass<double> pass_;
};

TEST_P(VisionTowerSteps, PoolAndProjectTheHiddenStatesToTheEmbedding) {
  const auto states = hidden_states<double>(tower_, pictures_, pass_);
  const auto special = tower_.config.prefix();
  EXPECT_EQ(states.tokens.special, special);
  EXPECT_EQ(states.tokens.grids, (std::vector<Grid>{{3, 3}, {3, 3}}));
  EXPECT_EQ(states.tokens.sequences.rows(), 2 * (special + 9));
  EXPECT_EQ(states.rows.shape(), (Shape{2 * (special + 9), testing::tower_width}));
  EXPECT_LT(difference(pool_and_project(tower_, states), encode<double>(tower_, pictures_, pass_)), 1e-12);
}

TEST_P(VisionTowerSteps, DoTheSameOfTheKeptPatches) {
  const auto states = hidden_states<double>(tower_, pictures_, pass_, kept_);
  EXPECT_EQ(states.tokens.sequences[0].length, tower_.config.prefix() + 4);
  EXPECT_EQ(states.tokens.sequences[1].length, tower_.config.prefix() + 2);
  const auto embedding = encode<double>(tower_, pictures_, pass_, kept_);
  EXPECT_LT(difference(pool_and_project(tower_, states), embedding), 1e-12);
  EXPECT_GT(difference(embedding, encode<double>(tower_, pictures_, pass_)), 1e-3);
}

// Where pooling reads one row, no other leaves the last block.
TEST_P(VisionTowerSteps, ComputeTheWantedRowsAlone) {
  const auto tokens = read_images(tower_.config, pictures_, {}, WantedRows::pooled);
  const auto x = encode(tower_, embed(tower_, tokens, pass_), tokens, pass_);
  EXPECT_EQ(x.rows(), tower_.config.pool == VisionPool::first_token ? 2 : tokens.sequences.rows());
}

INSTANTIATE_TEST_SUITE_P(Variants, VisionTowerSteps, ::testing::ValuesIn(testing::tower_variants()),
                         [](const auto& v) { return v.param.name; });

TEST(VisionTower, KeepsPicturesOfSeveralGridsApart) {
  for (const auto pool : {VisionPool::first_token, VisionPool::mean, VisionPool::first_and_mean}) {
    const auto tower = random_tower<double>({"", [&](VisionConfig& config) {
                                               clip_tower(config);
                                               config.fit = GridFit::bicubic;
                                               config.pool = pool;
                                             }});
    const std::vector<Pixels> pictures{random_picture(8, 4, 21), random_picture(6, 6, 22),
                                       random_picture(4, 10, 23)};
    Pass<double> pass;
    const auto states = hidden_states<double>(tower, pictures, pass);
    EXPECT_EQ(states.tokens.grids, (std::vector<Grid>{{4, 2}, {3, 3}, {2, 5}}));
    EXPECT_LT(difference(pool_and_project(tower, states), encode<double>(tower, pictures, pass)), 1e-12);
    for (std::size_t b = 0; b < pictures.size(); ++b) {
      const auto& rows = states.tokens.sequences[static_cast<std::int64_t>(b)];
      const auto alone = hidden_states<double>(tower, std::span(pictures).subspan(b, 1), pass);
      EXPECT_LT(difference(states.rows.slice(rows.begin, rows.end()), alone.rows), 1e-12);
    }
  }
}

// A norm before pooling is part of the hidden states, one behind it is not.
TEST(VisionTower, NormsHiddenStatesWhereTheNormStandsBeforePooling) {
  auto tower = random_tower<double>({"", clip_tower});
  const std::vector<Pixels> pictures{random_picture(6, 6, 21)};
  Pass<double> pass;
  const auto before = hidden_states<double>(tower, pictures, pass);
  const auto embedding = pool_and_project(tower, before);
  tower.config.output_norm = OutputNorm::after_pooling;
  const auto after = hidden_states<double>(tower, pictures, pass);
  EXPECT_GT(difference(before.rows, after.rows), 1e-2);
  EXPECT_LT(difference(before.rows, norm(after.rows, tower.output_norm, pass)), 1e-12);
  EXPECT_LT(difference(embedding, pool_and_project(tower, after)), 1e-12);
}

// Without blocks a row depends on its own patch alone.
TEST(VisionTower, PutsPatchesRowByRowBehindTheSpecialTokens) {
  const auto tower = random_tower<double>({"", [](VisionConfig& config) {
                                             clip_tower(config);
                                             config.registers = 1;
                                             config.layers = 0;
                                           }});
  auto picture = random_picture(6, 6, 21);
  Pass<double> pass;
  const auto before = hidden_states<double>(tower, std::span(&picture, 1), pass);
  picture.values[3 * 6 + 5] += 1;  // red, row 1 of the grid, column 2
  const auto after = hidden_states<double>(tower, std::span(&picture, 1), pass);
  for (std::int64_t row = 0; row < before.rows.rows(); ++row) {
    const auto apart = difference(before.rows.slice(row, row + 1), after.rows.slice(row, row + 1));
    if (row == before.tokens.special + 1 * 3 + 2) {
      EXPECT_GT(apart, 1e-3);
    } else {
      EXPECT_EQ(apart, 0) << row;
    }
  }
}

TEST(VisionTower, RefusesWhatItCannotRead) {
  const auto tower = random_tower<double>({"", clip_tower});
  const std::vector<Pixels> pictures{random_picture(6, 8, 21)}, fitting{random_picture(6, 6, 21)};
  const std::vector<std::vector<std::int32_t>> two(2, {0}), outside{{9}};
  Pass<double> pass;
  testing::expect_error(ErrorCode::invalid_argument, "pixels of 8x6; the model reads 6x6",
                        [&] { hidden_states<double>(tower, pictures, pass); });
  testing::expect_error(ErrorCode::invalid_argument, "kept patches of 2 pictures for 1",
                        [&] { hidden_states<double>(tower, fitting, pass, two); });
  testing::expect_error(ErrorCode::invalid_argument, "patch 9 of a grid of 9",
                        [&] { hidden_states<double>(tower, fitting, pass, outside); });
}

}  // namespace
}  // namespace beeld
