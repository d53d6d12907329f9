#include "vision/decode/decode.h"

#ifdef BEELD_OPENCV

#include <opencv2/core/utils/logger.hpp>
#include <opencv2/imgcodecs.hpp>

namespace beeld {

namespace {

/// OpenCV's blue, green, red to red, green, blue.
template <class Sample>
std::vector<Sample> samples_of(const cv::Mat& mat) {
  const int channels = mat.channels();
  std::vector<Sample> samples(mat.total() * channels);
  Sample* out = samples.data();
  for (int y = 0; y < mat.rows; ++y) {
    const auto* in = mat.ptr<Sample>(y);
    std::copy_n(in, std::size_t(mat.cols) * channels, out);
    for (int x = 0; channels >= 3 && x < mat.cols; ++x) std::swap(out[x * channels], out[x * channels + 2]);
    out += std::size_t(mat.cols) * channels;
  }
  return samples;
}

}  // namespace

Raster decode_by_opencv(const Source& source, std::span<const std::uint8_t> bytes) {
  if (bytes.size() > INT_MAX) fail(ErrorCode::limit, source, "a file of more than 2 GB");
  cv::Mat mat;
  try {
    // A view: imdecode does not write to its input.
    const cv::Mat input(1, static_cast<int>(bytes.size()), CV_8U, const_cast<std::uint8_t*>(bytes.data()));
    mat = cv::imdecode(input, cv::IMREAD_UNCHANGED);
  } catch (const cv::Exception& exception) {
    fail(ErrorCode::unsupported, source, "OpenCV refuses this file: " + exception.err);
  }
  if (mat.empty()) fail(ErrorCode::corrupt, source, "damaged picture data");
  Raster raster{mat.cols, mat.rows, mat.channels(), {}, {}};
  if (mat.depth() == CV_8U) {
    raster.bytes = samples_of<std::uint8_t>(mat);
  } else if (mat.depth() == CV_16U) {
    raster.words = samples_of<std::uint16_t>(mat);
  } else {
    fail(ErrorCode::unsupported, source, "samples that are neither 8 nor 16 bits wide");
  }
  return raster;
}

void silence_opencv() { cv::utils::logging::setLogLevel(cv::utils::logging::LOG_LEVEL_SILENT); }

}  // namespace beeld

#else

namespace beeld {

Raster decode_by_opencv(const Source& source, std::span<const std::uint8_t>) {
  fail(ErrorCode::unsupported, source, "this build of beeld lacks OpenCV, which reads WebP and TIFF");
}

void silence_opencv() {}

}  // namespace beeld

#endif
