#include <algorithm>
#include <csetjmp>
#include <cstdio>
#include <string_view>

#include "vision/decode/decode.h"
#include "vision/decode/exif.h"

// jpeglib.h needs FILE and size_t declared before it.
#include <jerror.h>
#include <jpeglib.h>

namespace beeld {

namespace {

constexpr int most_scans = 500;  // A progressive file of thousands of scans is an attack on time.

/// libjpeg's error manager; its first member must be libjpeg's own.
struct ErrorManager {
  jpeg_error_mgr base;
  std::jmp_buf jump;
  char message[JMSG_LENGTH_MAX];
};

[[noreturn]] void error_exit(j_common_ptr info) {
  auto* manager = reinterpret_cast<ErrorManager*>(info->err);
  info->err->format_message(info, manager->message);
  std::longjmp(manager->jump, 1);
}

/// Warnings that mean lost picture data. Others (stray bytes before a marker, odd version numbers) are
/// common in good files.
bool means_damage(int code) {
  switch (code) {
    case JWRN_JPEG_EOF:
    case JWRN_HIT_MARKER:
    case JWRN_HUFF_BAD_CODE:
    case JWRN_MUST_RESYNC:
      return true;
    default:
      return false;
  }
}

void emit_message(j_common_ptr info, int level) {
  if (level < 0 && means_damage(info->err->msg_code)) error_exit(info);
}

void output_message(j_common_ptr) {}

void limit_scans(j_common_ptr info) {
  if (!info->is_decompressor) return;
  const auto* decompress = reinterpret_cast<j_decompress_ptr>(info);
  if (decompress->input_scan_number <= most_scans) return;
  auto* manager = reinterpret_cast<ErrorManager*>(info->err);
  std::snprintf(manager->message, sizeof manager->message, "more than %d scans", most_scans);
  std::longjmp(manager->jump, 1);
}

/// A libjpeg decompressor. No object with a destructor may live in a frame that libjpeg's longjmp leaves,
/// so every call of libjpeg goes through run().
class Decompressor {
 public:
  explicit Decompressor(const Source& source) : source_(source) {
    info_.err = jpeg_std_error(&error_.base);
    error_.base.error_exit = error_exit;
    error_.base.emit_message = emit_message;
    error_.base.output_message = output_message;
    progress_.progress_monitor = limit_scans;
  }
  ~Decompressor() { jpeg_destroy_decompress(&info_); }
  Decompressor(const Decompressor&) = delete;
  Decompressor& operator=(const Decompressor&) = delete;

  jpeg_decompress_struct& info() { return info_; }

  void read_header() {
    run([this] {
      jpeg_create_decompress(&info_);
      info_.progress = &progress_;
      jpeg_mem_src(&info_, source_.bytes.data(), source_.bytes.size());
      jpeg_save_markers(&info_, JPEG_APP0 + 1, 0xFFFF);
      jpeg_read_header(&info_, TRUE);
    });
  }

  void start(J_COLOR_SPACE colours, unsigned denominator) {
    run([this, colours, denominator] {
      info_.out_color_space = colours;
      info_.dct_method = JDCT_ISLOW;
      info_.do_fancy_upsampling = TRUE;
      info_.scale_num = 1;
      info_.scale_denom = denominator;
      jpeg_start_decompress(&info_);
    });
  }

  void read_rows(std::uint8_t* samples) {
    const std::size_t stride = std::size_t{info_.output_width} * info_.output_components;
    run([this, samples, stride] {
      while (info_.output_scanline < info_.output_height) {
        JSAMPROW row = samples + info_.output_scanline * stride;
        jpeg_read_scanlines(&info_, &row, 1);
      }
    });
  }

 private:
  template <class Step>
  void run(Step step) {
    if (!attempt(step)) fail(ErrorCode::corrupt, source_, std::string("damaged JPEG: ") + error_.message);
  }

  template <class Step>
  bool attempt(const Step& step) {
    if (setjmp(error_.jump)) return false;
    step();
    return true;
  }

  const Source& source_;
  jpeg_decompress_struct info_{};
  jpeg_progress_mgr progress_{};
  ErrorManager error_{};
};

int orientation_of(const jpeg_decompress_struct& info) {
  for (auto* marker = info.marker_list; marker; marker = marker->next) {
    const std::span<const std::uint8_t> data(marker->data, marker->data_length);
    if (marker->marker == JPEG_APP0 + 1 && data.size() > 6 &&
        std::string_view(reinterpret_cast<const char*>(data.data()), 6) == std::string_view("Exif\0\0", 6))
      return exif_orientation(data);
  }
  return 1;
}

/// Scaled decoding is off by a few levels while the result stays at least 3x the target, useless below.
unsigned denominator_for(const jpeg_decompress_struct& info, const DecodeOptions& options) {
  if (options.decoding != Decoding::fast || options.target_edge <= 0) return 1;
  const std::int64_t edge = std::min(info.image_width, info.image_height);
  for (const unsigned denominator : {8u, 4u, 2u}) {
    if ((edge + denominator - 1) / denominator >= 3 * std::int64_t{options.target_edge}) return denominator;
  }
  return 1;
}

/// A file of several scans is held in coefficients of two bytes until the last one is read.
std::int64_t bytes_of_pixel(jpeg_decompress_struct& info, unsigned denominator) {
  const std::int64_t samples = std::max(8U / (denominator * denominator), 1U);
  return samples + (jpeg_has_multiple_scans(&info) ? 2 * info.num_components : 0);
}

}  // namespace

Decoded decode_jpeg(const Source& source) {
  Decompressor jpeg(source);
  jpeg.read_header();
  auto& info = jpeg.info();
  const unsigned denominator = denominator_for(info, source.options);
  check_size(source, info.image_width, info.image_height, bytes_of_pixel(info, denominator));

  Decoded decoded;
  decoded.orientation = orientation_of(info);
  PixelFormat format = PixelFormat::rgb;
  J_COLOR_SPACE colours = JCS_RGB;
  switch (info.num_components) {
    case 1:
      format = PixelFormat::grey, colours = JCS_GRAYSCALE;
      break;
    case 3:
      format = PixelFormat::rgb, colours = JCS_RGB;
      break;
    case 4:
      format = PixelFormat::cmyk, colours = JCS_CMYK;
      break;
    default:
      fail(ErrorCode::unsupported, source,
           "a JPEG of " + std::to_string(info.num_components) + " components; expected 1, 3 or 4");
  }
  jpeg.start(colours, denominator);
  decoded.image = make_image(info.output_width, info.output_height, format);
  jpeg.read_rows(decoded.image.samples.data());
  if (format == PixelFormat::cmyk) {
    // JPEG files store ink inverted, as Adobe's programs do.
    for (auto& sample : decoded.image.samples) sample = static_cast<std::uint8_t>(255 - sample);
  }
  return decoded;
}

}  // namespace beeld
