#include "multimodal/page/gallery_thumbnail.h"

#include <beeld/error.h>
#include <jpeglib.h>

#include <algorithm>
#include <cmath>
#include <csetjmp>
#include <cstdlib>
#include <utility>

#include "vision/preprocess/resample.h"

namespace beeld {

namespace {

constexpr int most_width = 640;
constexpr int most_height = 256;
constexpr int quality = 82;

Image on_white(const Image& image) {
  const int colours = image.channels() - 1;
  Image result{image.width, image.height, PixelFormat::rgb, {}, {}};
  result.samples.reserve(static_cast<std::size_t>(image.width) * static_cast<std::size_t>(image.height) * 3);
  for (std::size_t at = 0; at < image.samples.size(); at += static_cast<std::size_t>(colours) + 1) {
    const int alpha = image.samples[at + static_cast<std::size_t>(colours)];
    for (int c = 0; c < 3; ++c) {
      const int value = image.samples[at + static_cast<std::size_t>(std::min(c, colours - 1))];
      result.samples.push_back(static_cast<std::uint8_t>((value * alpha + 255 * (255 - alpha) + 127) / 255));
    }
  }
  return result;
}

Image opaque(const Image& image) {
  const bool alpha = image.format == PixelFormat::grey_alpha || image.format == PixelFormat::rgba;
  return alpha ? on_white(image) : to_rgb(image);
}

struct JpegErrors {
  jpeg_error_mgr manager;
  std::jmp_buf escape;
};

[[noreturn]] void leave(j_common_ptr jpeg) {
  std::longjmp(reinterpret_cast<JpegErrors*>(jpeg->err)->escape, 1);
}

// libjpeg leaves by longjmp, so nothing here may have a destructor.
bool compress(const Image& rgb, int wanted_quality, unsigned char** bytes, unsigned long* size) {
  jpeg_compress_struct jpeg{};
  JpegErrors errors{};
  jpeg.err = jpeg_std_error(&errors.manager);
  errors.manager.error_exit = leave;
  errors.manager.output_message = [](j_common_ptr) {};
  if (setjmp(errors.escape) != 0) {
    jpeg_destroy_compress(&jpeg);
    return false;
  }
  jpeg_create_compress(&jpeg);
  jpeg_mem_dest(&jpeg, bytes, size);
  jpeg.image_width = static_cast<JDIMENSION>(rgb.width);
  jpeg.image_height = static_cast<JDIMENSION>(rgb.height);
  jpeg.input_components = 3;
  jpeg.in_color_space = JCS_RGB;
  jpeg_set_defaults(&jpeg);
  jpeg_set_quality(&jpeg, wanted_quality, TRUE);
  jpeg.optimize_coding = TRUE;
  jpeg_start_compress(&jpeg, TRUE);
  while (jpeg.next_scanline < jpeg.image_height) {
    // The interface is older than const; rows are only read.
    auto* row =
        const_cast<JSAMPROW>(rgb.samples.data() + std::size_t{3} * jpeg.next_scanline * jpeg.image_width);
    jpeg_write_scanlines(&jpeg, &row, 1);
  }
  jpeg_finish_compress(&jpeg);
  jpeg_destroy_compress(&jpeg);
  return true;
}

}  // namespace

std::string encode_jpeg(const Image& rgb, int wanted_quality) {
  unsigned char* bytes = nullptr;
  unsigned long size = 0;
  const bool done = compress(rgb, wanted_quality, &bytes, &size);
  std::string jpeg(reinterpret_cast<const char*>(bytes), done ? size : 0);
  std::free(bytes);
  if (!done) {
    throw Error(ErrorCode::limit, "[gallery] " + std::to_string(rgb.width) + " x " +
                                      std::to_string(rgb.height) + " pixels cannot be a JPEG");
  }
  return jpeg;
}

FittedPicture fit_picture(const std::filesystem::path& path, Box box, Decoding decoding) {
  DecodeOptions options;
  options.decoding = decoding;
  options.target_edge = box.height;
  auto image = opaque(load_image(path, options));
  const int width = image.width, height = image.height;
  const double scale =
      std::min({1.0, static_cast<double>(box.height) / height, static_cast<double>(box.width) / width});
  const auto scaled = [&](int edge) { return std::max<std::int64_t>(1, std::llround(edge * scale)); };
  const Size size{scaled(height), scaled(width)};
  if (scale < 1) image = resample(image, size, Filter::lanczos);
  return {std::move(image), width, height};
}

Thumbnail make_thumbnail(const std::filesystem::path& path) {
  const auto image = fit_picture(path, {most_width, most_height}).image;
  return {image.width, image.height, encode_jpeg(image, quality)};
}

}  // namespace beeld
