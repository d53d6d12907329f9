#pragma once

#include <beeld/image.h>

#include <cstdint>
#include <vector>

namespace beeld {

/// Pillow's resampling filters.
enum class Filter { nearest, box, bilinear, hamming, bicubic, lanczos };

/// A picture's height and width in pixels. 64 bits, because the long side of a thin picture can be huge
/// before it is cropped.
struct Size {
  std::int64_t height = 0;
  std::int64_t width = 0;
};

/// A rectangle of pixels.
struct Window {
  std::int64_t top = 0;
  std::int64_t left = 0;
  int height = 0;
  int width = 0;
};

/// Resizes a picture to `size` and returns the part of the result inside `window`: bit-equal to Pillow's
/// `Image.resize(size, filter)` followed by a crop, but only the window is computed.
///
/// The filter's support grows with the scale (antialiasing), coefficients are fixed-point numbers of 22 bits,
/// and samples are rounded to 8 bits between the horizontal and the vertical pass. Pictures with alpha are
/// resized in premultiplied alpha; palette pictures by the nearest pixel whatever the filter. Throws
/// Error(invalid_argument) for a window outside `size`, or a size below 1 or above 2^31 - 1.
Image resample(const Image& image, const Size& size, Filter filter, const Window& window);

/// The whole picture resized.
Image resample(const Image& image, const Size& size, Filter filter);

/// The weights of one axis for the outputs of a window: output i is the sum of `weights[i * taps + t]` times
/// the input at `first[i] + t`, for t below `count[i]`, in units of 2^-22.
struct Weights {
  int taps = 0;  ///< weights stored for each output
  std::vector<int> first;
  std::vector<int> count;
  std::vector<std::int32_t> weights;
};

/// One axis of a resampling: `input` samples become `output`, and `length` of them from `start` on are
/// wanted.
struct ResampledAxis {
  std::int64_t input, output, start;
  int length;
};

/// `filter` is not nearest.
Weights resampling_weights(const ResampledAxis& axis, Filter filter);

/// The two passes, each as its plain definition and as a vector kernel with the same result bit for bit.
/// horizontal_*: `in` is `[rows, width, channels]`, `out` is `[rows, outputs, channels]`.
/// vertical_*: `in` is `[rows, row_length]`, `out` is `[outputs, row_length]`.
struct Rows {
  const std::uint8_t* samples;
  int rows;
  int width;
  int channels;
};
void horizontal_plain(const Rows& in, const Weights& weights, std::uint8_t* out);
void horizontal_fast(const Rows& in, const Weights& weights, std::uint8_t* out);
void vertical_plain(const Rows& in, const Weights& weights, std::uint8_t* out);
void vertical_fast(const Rows& in, const Weights& weights, std::uint8_t* out);

}  // namespace beeld
