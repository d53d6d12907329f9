#include "vision/model/patches.h"

#include <algorithm>

namespace beeld {

Grid grid_of(const Pixels& picture, int patch) { return {picture.height / patch, picture.width / patch}; }

template <class T>
Tensor<T> patchify(std::span<const Pixels> pictures, int patch, KeptPatches kept, Pass<T>&) {
  std::int64_t count = 0;
  for (std::size_t b = 0; b < pictures.size(); ++b) count += kept_count(grid_of(pictures[b], patch), kept, b);
  Tensor<T> patches({count, std::int64_t{3} * patch * patch});
  T* out = patches.data();
  for (std::size_t b = 0; b < pictures.size(); ++b) {
    const auto& picture = pictures[b];
    const auto grid = grid_of(picture, patch);
    for_each_kept(grid, kept, b, [&](std::int64_t place) {
      const auto row = place / grid.columns, column = place % grid.columns;
      for (int line = 0; line < 3 * patch; ++line) {
        const std::int64_t channel = line / patch, y = row * patch + line % patch;
        const float* from =
            picture.values.data() + (channel * picture.height + y) * picture.width + column * patch;
        out = std::copy_n(from, patch, out);
      }
    });
  }
  return patches;
}

template Tensor<float> patchify(std::span<const Pixels>, int, KeptPatches, Pass<float>&);
template Tensor<double> patchify(std::span<const Pixels>, int, KeptPatches, Pass<double>&);

}  // namespace beeld
