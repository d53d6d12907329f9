#include "vision/model/patches.h"

#include <gtest/gtest.h>

namespace beeld {
namespace {

// Each sample carries its own coordinates, so that every value of a patch can be traced back.
Pixels coordinates(int height, int width) {
  Pixels picture{height, width, {}};
  for (int channel = 0; channel < 3; ++channel) {
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < width; ++x)
        picture.values.push_back(static_cast<float>(channel * 10000 + y * 100 + x));
    }
  }
  return picture;
}

TEST(Patches, AreCutRowByRowAndFlattenedByChannel) {
  const std::vector<Pixels> pictures{coordinates(4, 6), coordinates(2, 2)};
  Pass<float> pass;
  const auto patches = patchify<float>(pictures, 2, {}, pass);
  ASSERT_EQ(patches.shape(), (Shape{7, 12}));
  const float* fifth = patches.row(4);  // second row, second column of the first picture
  const float expected[] = {202, 203, 302, 303, 10202, 10203, 10302, 10303, 20202, 20203, 20302, 20303};
  for (int i = 0; i < 12; ++i) EXPECT_EQ(fifth[i], expected[i]) << i;
  EXPECT_EQ(patches.row(6)[3], 101);
}

TEST(Patches, LeaveOutWhatDoesNotFillOne) {
  const std::vector<Pixels> pictures{coordinates(5, 7)};
  EXPECT_EQ(grid_of(pictures[0], 2), (Grid{2, 3}));
  Pass<float> pass;
  EXPECT_EQ(patchify<float>(pictures, 2, {}, pass).rows(), 6);
}

}  // namespace
}  // namespace beeld
