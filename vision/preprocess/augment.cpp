#include "vision/preprocess/augment.h"

#include <beeld/error.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string>

#include "vision/preprocess/resample.h"

namespace beeld {

namespace {

constexpr int crop_tries = 10;

struct Crop {
  int left, top, width, height;
};

/// The largest crop in the centre whose aspect is allowed.
Crop centre_crop(const Image& image, double max_aspect) {
  Crop crop{0, 0, image.width, image.height};
  const double aspect = double(image.width) / image.height;
  if (aspect > max_aspect) crop.width = static_cast<int>(std::lround(image.height * max_aspect));
  if (aspect < 1 / max_aspect) crop.height = static_cast<int>(std::lround(image.width * max_aspect));
  crop.width = std::min(crop.width, image.width);
  crop.height = std::min(crop.height, image.height);
  crop.left = (image.width - crop.width) / 2;
  crop.top = (image.height - crop.height) / 2;
  return crop;
}

Crop random_crop(const Image& image, const Augmentation& augmentation, Random& random) {
  if (augmentation.min_area == 1 && augmentation.max_aspect == 1) return centre_crop(image, 1);
  const double limit = std::log(augmentation.max_aspect);
  for (int i = 0; i < crop_tries; ++i) {
    const double area = double(image.width) * image.height * random.uniform(augmentation.min_area, 1);
    const double aspect = std::exp(random.uniform(-limit, limit));
    const double width = std::round(std::sqrt(area * aspect));
    const double height = std::round(std::sqrt(area / aspect));
    if (width < 1 || height < 1 || width > image.width || height > image.height) continue;
    Crop crop{0, 0, static_cast<int>(width), static_cast<int>(height)};
    crop.left = static_cast<int>(random.below(image.width - crop.width + 1));
    crop.top = static_cast<int>(random.below(image.height - crop.height + 1));
    return crop;
  }
  return centre_crop(image, augmentation.max_aspect);
}

Image cut(const Image& image, const Crop& crop) {
  Image part;
  part.width = crop.width;
  part.height = crop.height;
  part.samples.resize(std::size_t(crop.width) * crop.height * 3);
  auto* to = part.samples.data();
  for (int y = 0; y < crop.height; ++y) {
    const auto at = (std::size_t(crop.top + y) * image.width + crop.left) * 3;
    to = std::copy_n(image.samples.data() + at, std::size_t(crop.width) * 3, to);
  }
  return part;
}

void mirror(Image& image) {
  for (int y = 0; y < image.height; ++y) {
    auto* row = image.samples.data() + std::size_t(y) * image.width * 3;
    for (int left = 0, right = image.width - 1; left < right; ++left, --right)
      std::swap_ranges(row + left * 3, row + left * 3 + 3, row + right * 3);
  }
}

/// ITU-R 601 luma as Pillow rounds it.
int luma(const std::uint8_t* rgb) { return (rgb[0] * 19595 + rgb[1] * 38470 + rgb[2] * 7471 + 0x8000) >> 16; }

/// Pillow's Image.blend of one sample: the fraction is cut off.
std::uint8_t blend(int from, int to, float factor) {
  const float value = static_cast<float>(from) + factor * static_cast<float>(to - from);
  return static_cast<std::uint8_t>(std::clamp(value, 0.0f, 255.0f));
}

void blend_with_constant(Image& image, int constant, float factor) {
  std::array<std::uint8_t, 256> table{};
  for (int value = 0; value < 256; ++value) table[value] = blend(constant, value, factor);
  for (auto& sample : image.samples) sample = table[sample];
}

/// The adjustments in random order, each with a random factor.
void jitter(Image& image, const Augmentation& augmentation, Random& random) {
  struct Adjustment {
    void (*apply)(Image&, float);
    double range;
  };
  std::array<Adjustment, 3> adjustments{{{adjust_brightness, augmentation.brightness},
                                         {adjust_contrast, augmentation.contrast},
                                         {adjust_saturation, augmentation.saturation}}};
  shuffle(adjustments, random);
  for (const auto& [apply, range] : adjustments) {
    if (range > 0) apply(image, static_cast<float>(random.uniform(std::max(0.0, 1 - range), 1 + range)));
  }
}

void require(bool right, const char* name, const char* expected, double got) {
  if (right) return;
  throw Error(ErrorCode::invalid_argument, std::string("[augmentation] ") + name + ": expected " + expected +
                                               ", got " + std::to_string(got));
}

}  // namespace

void check_augmentation(const Augmentation& augmentation) {
  require(augmentation.min_area > 0 && augmentation.min_area <= 1, "min_area", "a share in (0, 1]",
          augmentation.min_area);
  require(augmentation.max_aspect >= 1 && std::isfinite(augmentation.max_aspect), "max_aspect",
          "a ratio of at least 1", augmentation.max_aspect);
  require(augmentation.flip >= 0 && augmentation.flip <= 1, "flip", "a probability", augmentation.flip);
  const auto range = [](const char* name, double value) {
    require(value >= 0 && std::isfinite(value), name, "a finite range of at least 0", value);
  };
  range("brightness", augmentation.brightness);
  range("contrast", augmentation.contrast);
  range("saturation", augmentation.saturation);
}

Image random_view(const Image& rgb, const Augmentation& augmentation, int edge, Random& random) {
  if (rgb.format != PixelFormat::rgb || rgb.width < 1 || rgb.height < 1 || edge < 1) {
    throw Error(ErrorCode::invalid_argument,
                "[augmentation] expected an RGB picture and an edge of at least 1, got " +
                    std::to_string(rgb.channels()) + " channels, " + std::to_string(rgb.width) + "x" +
                    std::to_string(rgb.height) + " and edge " + std::to_string(edge));
  }
  const auto crop = random_crop(rgb, augmentation, random);
  Image view = resample(cut(rgb, crop), {edge, edge}, Filter::bicubic);
  if (augmentation.flip > 0 && random.uniform() < augmentation.flip) mirror(view);
  if (augmentation.brightness > 0 || augmentation.contrast > 0 || augmentation.saturation > 0)
    jitter(view, augmentation, random);
  return view;
}

void adjust_brightness(Image& rgb, float factor) { blend_with_constant(rgb, 0, factor); }

void adjust_contrast(Image& rgb, float factor) {
  std::int64_t sum = 0;
  for (std::size_t i = 0; i < rgb.samples.size(); i += 3) sum += luma(rgb.samples.data() + i);
  const auto samples = static_cast<double>(rgb.samples.size());
  blend_with_constant(rgb, static_cast<int>(static_cast<double>(sum) * 3 / samples + 0.5), factor);
}

void adjust_saturation(Image& rgb, float factor) {
  for (std::size_t i = 0; i < rgb.samples.size(); i += 3) {
    auto* pixel = rgb.samples.data() + i;
    const int grey = luma(pixel);
    for (int c = 0; c < 3; ++c) pixel[c] = blend(grey, pixel[c], factor);
  }
}

}  // namespace beeld
