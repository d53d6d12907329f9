#include "vision/preprocess/preprocess.h"

#include <beeld/error.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

namespace beeld {

namespace {

constexpr std::int64_t most_result_pixels = 64LL * 1000 * 1000;

Size shortest_edge(const Size& size, std::int64_t edge) {
  const bool upright = size.width <= size.height;
  const auto shorter = double(std::min(size.width, size.height));
  const auto longer = double(std::max(size.width, size.height));
  const auto other = static_cast<std::int64_t>(double(edge) * longer / shorter);
  return upright ? Size{other, edge} : Size{edge, other};
}

/// timm's ResizeKeepRatio; `longest` is 0 to cover the target, 1 to stay inside.
Size keep_ratio(const Size& size, const Size& target, double longest) {
  const double ratio_h = double(size.height) / double(target.height);
  const double ratio_w = double(size.width) / double(target.width);
  const double ratio = std::max(ratio_h, ratio_w) * longest + std::min(ratio_h, ratio_w) * (1.0 - longest);
  return {std::llrint(double(size.height) / ratio), std::llrint(double(size.width) / ratio)};
}

/// The largest scale whose patches stay within the budget, by bisection as in transformers.
Size patch_budget(const Size& size, int patch, int budget) {
  constexpr double precision = 1e-5;
  const auto scaled = [patch](double scale, std::int64_t edge) {
    const auto patches = static_cast<std::int64_t>(std::ceil(double(edge) * scale / patch));
    return std::max<std::int64_t>(patch, patches * patch);
  };
  double low = precision / 10, high = 100.0;
  while (high - low >= precision) {
    const double scale = (low + high) / 2;
    const double patches =
        (double(scaled(scale, size.height)) / patch) * (double(scaled(scale, size.width)) / patch);
    (patches <= budget ? low : high) = scale;
  }
  return {scaled(low, size.height), scaled(low, size.width)};
}

std::int64_t floor_half(std::int64_t value) { return value >= 0 ? value / 2 : -((1 - value) / 2); }

/// Where a crop of `crop` begins in an edge of `edge`; negative where a border is added.
std::int64_t crop_start(CropRule rule, std::int64_t edge, std::int64_t crop) {
  const std::int64_t spare = edge - crop;
  if (rule == CropRule::floor) return floor_half(spare);
  return spare < 0 ? -(-spare / 2) : std::llrint(double(spare) / 2.0);
}

/// The part of [start, start + length) inside [0, edge).
std::pair<std::int64_t, int> overlap(std::int64_t start, std::int64_t length, std::int64_t edge) {
  const auto first = std::max<std::int64_t>(start, 0);
  return {first, static_cast<int>(std::min(start + length, edge) - first)};
}

/// What a border sample of channel `c` is before the picture is RGB: a palette's border is one of its
/// colours.
std::uint8_t border_sample(const Image& image, const std::array<std::uint8_t, 3>& border, int c) {
  if (image.format == PixelFormat::palette && !image.palette.empty()) {
    const std::size_t last = image.palette.size() / 3 - 1;
    return image.palette[3 * std::min<std::size_t>(border[0], last) + c];
  }
  return border[std::min(c, 2)];
}

/// `part` placed at (top, left) of a picture of `size`.
Image with_border(const Image& part, const Size& size, const Window& place,
                  const std::array<std::uint8_t, 3>& border) {
  const int channels = part.channels();
  Image out;
  out.format = part.format;
  out.palette = part.palette;
  out.height = static_cast<int>(size.height);
  out.width = static_cast<int>(size.width);
  out.samples.resize(std::size_t(out.height) * out.width * channels);
  for (std::size_t i = 0; i < out.samples.size(); ++i)
    out.samples[i] = border_sample(part, border, static_cast<int>(i % channels));
  const std::size_t row_length = std::size_t(part.width) * channels;
  for (int y = 0; y < part.height; ++y) {
    std::copy_n(part.samples.data() + y * row_length, row_length,
                out.samples.data() + ((place.top + y) * out.width + place.left) * channels);
  }
  return out;
}

Image resize_and_crop_as_stored(const Image& image, const Preprocess& settings) {
  const Size resized = resized_size(settings, {image.height, image.width});
  const bool cropped = settings.crop_rule != CropRule::none;
  const Size result = cropped ? settings.crop : resized;
  if (result.height > most_result_pixels / result.width) {
    throw Error(ErrorCode::limit, "[preprocess] a result of " + std::to_string(result.width) + "x" +
                                      std::to_string(result.height) + " pixels");
  }
  const auto top = cropped ? crop_start(settings.crop_rule, resized.height, result.height) : 0;
  const auto left = cropped ? crop_start(settings.crop_rule, resized.width, result.width) : 0;
  const auto [first_row, rows] = overlap(top, result.height, resized.height);
  const auto [first_column, columns] = overlap(left, result.width, resized.width);
  Image part = resample(image, resized, settings.filter, {first_row, first_column, rows, columns});
  if (rows == result.height && columns == result.width) return part;
  return with_border(part, result, {first_row - top, first_column - left, rows, columns}, settings.border);
}

/// A model's value for each of a channel's 256 samples.
std::array<float, 256> channel_values(const Preprocess& settings, int channel) {
  std::array<float, 256> values{};
  for (int sample = 0; sample < 256; ++sample) {
    auto value = static_cast<float>(sample);
    if (settings.rescaling == Rescaling::multiply)
      value = static_cast<float>(sample * settings.rescale_factor);
    else if (settings.rescaling == Rescaling::divide)
      value /= 255.0F;
    if (settings.normalization)
      value = (value - settings.normalization->mean[channel]) / settings.normalization->deviation[channel];
    values[sample] = value;
  }
  return values;
}

}  // namespace

Size resized_size(const Preprocess& settings, const Size& size) {
  Size result = size;
  switch (settings.resize_rule) {
    case ResizeRule::none:
      break;
    case ResizeRule::exact:
      result = settings.resize;
      break;
    case ResizeRule::shortest:
      result = shortest_edge(size, settings.resize.height);
      break;
    case ResizeRule::cover:
      result = keep_ratio(size, settings.resize, 0.0);
      break;
    case ResizeRule::contain:
      result = keep_ratio(size, settings.resize, 1.0);
      break;
    case ResizeRule::patch_budget:
      result = patch_budget(size, settings.patch_size, settings.max_patches);
      break;
  }
  if (result.height < 1 || result.width < 1) {
    throw Error(ErrorCode::unsupported, "[preprocess] a picture of " + std::to_string(size.width) + "x" +
                                            std::to_string(size.height) +
                                            " pixels is too thin: its shorter side becomes 0");
  }
  return result;
}

Image resize_and_crop(const Image& image, const Preprocess& settings) {
  if (settings.order == ColourOrder::resize_first) return to_rgb(resize_and_crop_as_stored(image, settings));
  if (image.format == PixelFormat::rgb) return resize_and_crop_as_stored(image, settings);
  return resize_and_crop_as_stored(to_rgb(image), settings);
}

Pixels preprocess(const Image& image, const Preprocess& settings) {
  const Image crop = resize_and_crop(image, settings);
  Pixels pixels{crop.height, crop.width, {}};
  const std::size_t plane = crop.samples.size() / 3;
  pixels.values.resize(crop.samples.size());
  for (int channel = 0; channel < 3; ++channel) {
    const auto values = channel_values(settings, channel);
    float* out = pixels.values.data() + channel * plane;
    for (std::size_t i = 0; i < plane; ++i) out[i] = values[crop.samples[3 * i + channel]];
  }
  return pixels;
}

}  // namespace beeld
