#include "vision/patches.h"

#include <algorithm>

namespace beeld {

Grid grid_of(const Pixels& picture, int patch) { return {picture.height / patch, picture.width / patch}; }

template <class T>
Tensor<T> patchify(std::span<const Pixels> pictures, int patch, Pass<T>&) {
  std::int64_t count = 0;
  for (const auto& picture : pictures) {
    const auto grid = grid_of(picture, patch);
    count += std::int64_t{grid.rows} * grid.columns;
  }
  Tensor<T> patches({count, std::int64_t{3} * patch * patch});
  T* out = patches.data();
  for (const auto& picture : pictures) {
    const auto grid = grid_of(picture, patch);
    for (int row = 0; row < grid.rows; ++row) {
      for (int column = 0; column < grid.columns; ++column) {
        for (int line = 0; line < 3 * patch; ++line) {
          const std::int64_t channel = line / patch, y = row * patch + line % patch;
          const float* from =
              picture.values.data() + (channel * picture.height + y) * picture.width + column * patch;
          out = std::copy_n(from, patch, out);
        }
      }
    }
  }
  return patches;
}

template Tensor<float> patchify(std::span<const Pixels>, int, Pass<float>&);
template Tensor<double> patchify(std::span<const Pixels>, int, Pass<double>&);

}  // namespace beeld
