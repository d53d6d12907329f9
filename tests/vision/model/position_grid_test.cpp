#include "vision/model/position_grid.h"

#include <gtest/gtest.h>

#include "tests/support/random.h"

namespace beeld {
namespace {

using testing::difference;
using testing::random_tensor;

constexpr GridFit fits[] = {GridFit::bicubic, GridFit::bicubic_antialias, GridFit::bilinear_antialias};

TEST(PositionGrid, KeepsAGridOfTheSameSize) {
  const auto positions = random_tensor<double>({12, 3}, 1);
  for (const auto fit : fits)
    EXPECT_LT(difference(fit_grid(positions, {3, 4}, {3, 4}, fit), positions), 1e-12);
}

TEST(PositionGrid, KeepsWhatIsTheSameEverywhere) {
  Tensor<double> positions({20, 1});
  for (std::int64_t i = 0; i < 20; ++i) positions.data()[i] = 0.7;
  for (const auto fit : fits) {
    for (const Grid to : {Grid{2, 3}, Grid{9, 11}, Grid{1, 1}}) {
      const auto fitted = fit_grid(positions, {4, 5}, to, fit);
      ASSERT_EQ(fitted.rows(), to.rows * to.columns);
      for (std::int64_t i = 0; i < fitted.size(); ++i) EXPECT_NEAR(fitted.data()[i], 0.7, 1e-12);
    }
  }
}

// Values by torch.nn.functional.interpolate([[0, 1, 4, 9]] as 1x4, size=(1, 2) and (1, 6),
// align_corners=False), worked out from its definition: the taps' weights are exact fractions.
TEST(PositionGrid, HasTheWeightsOfItsDefinition) {
  Tensor<double> squares({4, 1});
  for (int i = 0; i < 4; ++i) squares.data()[i] = i * i;
  // Halving: the centres lie midway between two places. a = -0.75 weighs -0.09375, 0.59375, 0.59375,
  // -0.09375.
  const auto halved = fit_grid(squares, {1, 4}, {1, 2}, GridFit::bicubic);
  EXPECT_NEAR(halved.data()[0], 0.59375 * (0 + 1) - 0.09375 * (0 + 4), 1e-12);
  EXPECT_NEAR(halved.data()[1], 0.59375 * (4 + 9) - 0.09375 * (1 + 9), 1e-12);
  // The triangle over two places' width weighs 3, 3, 1 at the border (the fourth tap lies outside).
  const auto smooth = fit_grid(squares, {1, 4}, {1, 2}, GridFit::bilinear_antialias);
  EXPECT_NEAR(smooth.data()[0], (3 * 0 + 3 * 1 + 1 * 4) / 7.0, 1e-12);
  EXPECT_NEAR(smooth.data()[1], (1 * 1 + 3 * 4 + 3 * 9) / 7.0, 1e-12);
}

TEST(PositionGrid, TreatsRowsAndColumnsAlike) {
  const auto positions = random_tensor<double>({6, 1}, 1);
  Tensor<double> turned({6, 1});
  for (int row = 0; row < 2; ++row) {
    for (int column = 0; column < 3; ++column)
      turned.data()[column * 2 + row] = positions.data()[row * 3 + column];
  }
  for (const auto fit : fits) {
    const auto a = fit_grid(positions, {2, 3}, {5, 4}, fit), b = fit_grid(turned, {3, 2}, {4, 5}, fit);
    for (int row = 0; row < 5; ++row) {
      for (int column = 0; column < 4; ++column) {
        EXPECT_NEAR(a.data()[row * 4 + column], b.data()[column * 5 + row], 1e-12);
      }
    }
  }
}

}  // namespace
}  // namespace beeld
