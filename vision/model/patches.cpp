#include "vision/model/patches.h"

#include <algorithm>

namespace beeld {

Grid grid_of(const Pixels& image, int patch) { return {image.height / patch, image.width / patch}; }

template <class T>
Tensor<T> patchify(std::span<const Pixels> images, int patch, KeptPatches kept, Pass<T>&) {
  std::int64_t count = 0;
  for (std::size_t b = 0; b < images.size(); ++b) count += kept_count(grid_of(images[b], patch), kept, b);
  Tensor<T> patches({count, std::int64_t{3} * patch * patch});
  T* out = patches.data();
  for (std::size_t b = 0; b < images.size(); ++b) {
    const auto& image = images[b];
    const auto grid = grid_of(image, patch);
    for_each_kept(grid, kept, b, [&](std::int64_t place) {
      const auto row = place / grid.columns, column = place % grid.columns;
      for (int line = 0; line < 3 * patch; ++line) {
        const std::int64_t channel = line / patch, y = row * patch + line % patch;
        const float* from = image.values.data() + (channel * image.height + y) * image.width + column * patch;
        out = std::copy_n(from, patch, out);
      }
    });
  }
  return patches;
}

template Tensor<float> patchify(std::span<const Pixels>, int, KeptPatches, Pass<float>&);
template Tensor<double> patchify(std::span<const Pixels>, int, KeptPatches, Pass<double>&);

}  // namespace beeld
