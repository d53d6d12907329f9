#include "vision/preprocess/resample.h"

#include <beeld/error.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numbers>
#include <string>

#include "vision/preprocess/resample_kernels.h"

namespace beeld {

namespace {

using Function = double (*)(double);

struct FilterShape {
  Function value;
  double support;  ///< half its width, in samples of the smaller picture
};

double box(double x) { return x > -0.5 && x <= 0.5 ? 1.0 : 0.0; }

double bilinear(double x) {
  x = std::abs(x);
  return x < 1.0 ? 1.0 - x : 0.0;
}

double hamming(double x) {
  x = std::abs(x);
  if (x == 0.0) return 1.0;
  if (x >= 1.0) return 0.0;
  x *= std::numbers::pi;
  // Pillow's constants are single precision.
  return std::sin(x) / x * (double{0.54f} + double{0.46f} * std::cos(x));
}

/// Keys 1981 with a = -0.5.
double bicubic(double x) {
  constexpr double a = -0.5;
  x = std::abs(x);
  if (x < 1.0) return ((a + 2.0) * x - (a + 3.0)) * x * x + 1;
  if (x < 2.0) return (((x - 5) * x + 8) * x - 4) * a;
  return 0.0;
}

double sinc(double x) {
  if (x == 0.0) return 1.0;
  x *= std::numbers::pi;
  return std::sin(x) / x;
}

double lanczos(double x) { return x >= -3.0 && x < 3.0 ? sinc(x) * sinc(x / 3) : 0.0; }

FilterShape shape_of(Filter filter) {
  switch (filter) {
    case Filter::box:
      return {box, 0.5};
    case Filter::bilinear:
      return {bilinear, 1.0};
    case Filter::hamming:
      return {hamming, 1.0};
    case Filter::lanczos:
      return {lanczos, 3.0};
    case Filter::bicubic:
    case Filter::nearest:
      break;
  }
  return {bicubic, 2.0};
}

std::int32_t fixed_point(double weight) {
  constexpr double one = 1 << weight_bits;
  return static_cast<std::int32_t>(weight < 0 ? -0.5 + weight * one : 0.5 + weight * one);
}

/// Input positions of Pillow's nearest rule: it adds up a step, so positions carry its rounding errors.
std::vector<std::int64_t> nearest_positions(std::int64_t input, std::int64_t output, std::int64_t start,
                                            int length) {
  const double step = double(float(input)) / double(output);
  double position = step * 0.5;
  for (std::int64_t i = 0; i < start; ++i) position += step;
  std::vector<std::int64_t> positions(length);
  for (auto& at : positions) {
    at = std::min(static_cast<std::int64_t>(position), input - 1);
    position += step;
  }
  return positions;
}

Image like(const Image& image, int height, int width) {
  Image out;
  out.format = image.format;
  out.palette = image.palette;
  out.height = height;
  out.width = width;
  out.samples.resize(std::size_t(height) * width * image.channels());
  return out;
}

Image resample_nearest(const Image& image, const Size& size, const Window& window) {
  const auto columns = nearest_positions(image.width, size.width, window.left, window.width);
  const auto rows = nearest_positions(image.height, size.height, window.top, window.height);
  const int channels = image.channels();
  Image out = like(image, window.height, window.width);
  auto* to = out.samples.data();
  for (const auto row : rows) {
    const auto* from = image.samples.data() + row * image.width * channels;
    for (const auto column : columns) to = std::copy_n(from + column * channels, channels, to);
  }
  return out;
}

/// The two passes; an axis that keeps its size is only cut.
Image resample_samples(const Image& image, const Size& size, Filter filter, const Window& window) {
  const int channels = image.channels();
  const bool same_rows = size.height == image.height;
  const auto vertical =
      resampling_weights({image.height, same_rows ? image.height : size.height, window.top, window.height},
                         same_rows ? Filter::box : filter);
  const auto horizontal = resampling_weights({image.width, size.width, window.left, window.width},
                                             size.width == image.width ? Filter::box : filter);

  // Only the rows that the vertical pass will read.
  const int first_row = vertical.first.front();
  const int rows = vertical.first.back() + vertical.count.back() - first_row;
  auto shifted = vertical;
  for (auto& first : shifted.first) first -= first_row;

  Image narrow = like(image, rows, window.width);
  const std::uint8_t* from = image.samples.data() + std::size_t(first_row) * image.width * channels;
  horizontal_fast({from, rows, image.width, channels}, horizontal, narrow.samples.data());
  if (same_rows) return narrow;

  Image out = like(image, window.height, window.width);
  vertical_fast({narrow.samples.data(), rows, window.width, channels}, shifted, out.samples.data());
  return out;
}

/// a * b / 255, rounded.
std::uint8_t multiply(int a, int b) {
  const int product = a * b + 128;
  return static_cast<std::uint8_t>(((product >> 8) + product) >> 8);
}

void premultiply(Image& image) {
  const int channels = image.channels();
  for (std::size_t i = 0; i < image.samples.size(); i += channels) {
    const int alpha = image.samples[i + channels - 1];
    for (int c = 0; c < channels - 1; ++c) image.samples[i + c] = multiply(image.samples[i + c], alpha);
  }
}

void unpremultiply(Image& image) {
  const int channels = image.channels();
  for (std::size_t i = 0; i < image.samples.size(); i += channels) {
    const int alpha = image.samples[i + channels - 1];
    if (alpha == 255 || alpha == 0) continue;
    for (int c = 0; c < channels - 1; ++c)
      image.samples[i + c] = static_cast<std::uint8_t>(std::min(255, 255 * image.samples[i + c] / alpha));
  }
}

bool is_whole(const Image& image, const Size& size, const Window& window) {
  return size.height == image.height && size.width == image.width && window.height == image.height &&
         window.width == image.width;
}

void check(const Size& size, const Window& window) {
  const auto outside = [](std::int64_t start, std::int64_t length, std::int64_t whole) {
    return start < 0 || length < 1 || start + length > whole;
  };
  if (size.height > INT32_MAX || size.width > INT32_MAX || outside(window.top, window.height, size.height) ||
      outside(window.left, window.width, size.width)) {
    throw Error(ErrorCode::invalid_argument,
                "[resample] expected a window inside a picture of at most 2^31 - 1 pixels a side, got " +
                    std::to_string(window.width) + "x" + std::to_string(window.height) + " of " +
                    std::to_string(size.width) + "x" + std::to_string(size.height));
  }
}

}  // namespace

Weights resampling_weights(const ResampledAxis& axis, Filter filter) {
  const auto [input, output, start, length] = axis;
  const auto shape = shape_of(filter);
  const double scale = double(float(input)) / double(output);
  const double filter_scale = std::max(scale, 1.0);
  const double support = shape.support * filter_scale;
  const double step = 1.0 / filter_scale;

  Weights weights;
  weights.taps = static_cast<int>(std::min<std::int64_t>(std::int64_t(std::ceil(support)) * 2 + 1, input));
  weights.first.resize(length);
  weights.count.resize(length);
  weights.weights.assign(std::size_t(length) * weights.taps, 0);
  std::vector<double> raw(weights.taps);
  for (int i = 0; i < length; ++i) {
    const double centre = (double(start + i) + 0.5) * scale;
    const auto first = std::max<std::int64_t>(static_cast<std::int64_t>(centre - support + 0.5), 0);
    const auto end = std::min<std::int64_t>(static_cast<std::int64_t>(centre + support + 0.5), input);
    const int count = static_cast<int>(end - first);
    double sum = 0;
    for (int t = 0; t < count; ++t) sum += raw[t] = shape.value((double(t + first) - centre + 0.5) * step);
    for (int t = 0; t < count; ++t)
      weights.weights[std::size_t(i) * weights.taps + t] = fixed_point(sum != 0.0 ? raw[t] / sum : raw[t]);
    weights.first[i] = static_cast<int>(first);
    weights.count[i] = count;
  }
  return weights;
}

Image resample(const Image& image, const Size& size, Filter filter, const Window& window) {
  check(size, window);
  if (is_whole(image, size, window)) return image;
  if (filter == Filter::nearest || image.format == PixelFormat::palette)
    return resample_nearest(image, size, window);
  const bool alpha = image.format == PixelFormat::rgba || image.format == PixelFormat::grey_alpha;
  const bool resized = size.height != image.height || size.width != image.width;
  if (!alpha || !resized) return resample_samples(image, size, filter, window);
  Image premultiplied = image;
  premultiply(premultiplied);
  Image out = resample_samples(premultiplied, size, filter, window);
  unpremultiply(out);
  return out;
}

Image resample(const Image& image, const Size& size, Filter filter) {
  check(size, {0, 0, 1, 1});
  if (size.height > INT32_MAX || size.width > INT32_MAX) check(size, {});
  return resample(image, size, filter, {0, 0, static_cast<int>(size.height), static_cast<int>(size.width)});
}

}  // namespace beeld
