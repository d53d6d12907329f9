#include "vision/decode/orientation.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace beeld {

namespace {

/// Where the sample of a target pixel lies: at x * step_x + y * step_y + origin, in pixels.
struct Walk {
  std::int64_t origin, step_x, step_y;
};

Walk walk_of(int orientation, std::int64_t width, std::int64_t height) {
  const std::int64_t last_column = width - 1;
  const std::int64_t last_row = (height - 1) * width;
  switch (orientation) {
    case 2:
      return {last_column, -1, width};
    case 3:
      return {last_row + last_column, -1, -width};
    case 4:
      return {last_row, 1, -width};
    case 5:
      return {0, width, 1};
    case 6:
      return {last_row, -width, 1};
    case 7:
      return {last_row + last_column, -width, -1};
    case 8:
      return {last_column, width, -1};
    default:
      return {0, 1, width};
  }
}

template <int channels>
void gather(const Image& from, Image& to, const Walk& walk) {
  // Square tiles, so that a quarter turn reads and writes within the cache.
  constexpr int tile = 32;
  for (int top = 0; top < to.height; top += tile) {
    for (int left = 0; left < to.width; left += tile) {
      for (int y = top; y < std::min(top + tile, to.height); ++y) {
        const std::uint8_t* source = from.samples.data() + channels * (walk.origin + y * walk.step_y);
        std::uint8_t* target = to.samples.data() + channels * (std::int64_t{y} * to.width);
        for (int x = left; x < std::min(left + tile, to.width); ++x)
          std::memcpy(target + channels * x, source + channels * x * walk.step_x, channels);
      }
    }
  }
}

}  // namespace

Image turn_upright(Image image, int orientation) {
  if (orientation < 2 || orientation > 8) return image;
  Image turned;
  turned.format = image.format;
  turned.palette = std::move(image.palette);
  turned.damage = std::move(image.damage);
  turned.remark = std::move(image.remark);
  turned.width = image.width;
  turned.height = image.height;
  if (orientation >= 5) std::swap(turned.width, turned.height);
  turned.samples.resize(image.samples.size());
  const Walk walk = walk_of(orientation, image.width, image.height);
  switch (image.channels()) {
    case 1:
      gather<1>(image, turned, walk);
      break;
    case 2:
      gather<2>(image, turned, walk);
      break;
    case 3:
      gather<3>(image, turned, walk);
      break;
    default:
      gather<4>(image, turned, walk);
  }
  return turned;
}

}  // namespace beeld
