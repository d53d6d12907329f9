#include <algorithm>
#include <csetjmp>
#include <cstdio>

#include "vision/decode/decode.h"

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
  bool refuse_damage;
  bool hostile;                  ///< Made to cost time: nothing of it is read.
  char damage[JMSG_LENGTH_MAX];  ///< The first damage, or empty.
  bool rows_end;                 ///< From `rows` on the picture is missing.
  JDIMENSION rows;
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

/// Where the data end, all that follows in this scan is missing: up to the next restart marker, where there
/// are any.
bool ends_rows(const jpeg_decompress_struct& info, int code) {
  if (code == JWRN_JPEG_EOF) return true;
  return code == JWRN_HIT_MARKER && (info.restart_interval == 0 || info.unread_marker == JPEG_EOI);
}

/// Rows that have come; later scans only refine those of the first.
JDIMENSION rows_so_far(const jpeg_decompress_struct& info) {
  if (info.input_scan_number > 1) return info.image_height;
  return std::min(info.image_height,
                  info.input_iMCU_row * static_cast<JDIMENSION>(info.max_v_samp_factor) * DCTSIZE);
}

void emit_message(j_common_ptr info, int level) {
  auto* manager = reinterpret_cast<ErrorManager*>(info->err);
  const int code = info->err->msg_code;
  if (level >= 0 || !means_damage(code)) return;
  if (manager->refuse_damage) error_exit(info);
  if (manager->damage[0] == '\0') info->err->format_message(info, manager->damage);
  if (!info->is_decompressor || manager->rows_end) return;
  const auto& decompress = *reinterpret_cast<j_decompress_ptr>(info);
  if (!ends_rows(decompress, code)) return;
  manager->rows_end = true;
  manager->rows = rows_so_far(decompress);
}

void output_message(j_common_ptr) {}

void limit_scans(j_common_ptr info) {
  if (!info->is_decompressor) return;
  const auto* decompress = reinterpret_cast<j_decompress_ptr>(info);
  if (decompress->input_scan_number <= most_scans) return;
  auto* manager = reinterpret_cast<ErrorManager*>(info->err);
  std::snprintf(manager->message, sizeof manager->message, "more than %d scans", most_scans);
  manager->hostile = true;
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
    error_.refuse_damage = source.options.damaged == Damaged::refuse;
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

  /// Reads the rows into the picture, as many as come; where some do not, the picture is marked.
  void read_rows(Image& image) {
    const std::size_t stride = std::size_t{info_.output_width} * info_.output_components;
    auto* samples = image.samples.data();
    const bool whole = attempt([this, samples, stride] {
      while (info_.output_scanline < info_.output_height) {
        JSAMPROW row = samples + info_.output_scanline * stride;
        jpeg_read_scanlines(&info_, &row, 1);
      }
    });
    if (!whole) {
      if (error_.refuse_damage || error_.hostile) fail_damaged();
      std::snprintf(error_.damage, sizeof error_.damage, "%s", error_.message);
      const auto came = static_cast<JDIMENSION>(std::uint64_t{info_.output_scanline} * info_.image_height /
                                                info_.output_height);
      error_.rows = error_.rows_end ? std::min(error_.rows, came) : came;
      error_.rows_end = true;
      constexpr std::uint8_t grey = 128;
      std::fill(image.samples.begin() + static_cast<std::ptrdiff_t>(info_.output_scanline * stride),
                image.samples.end(), grey);
    }
    if (error_.damage[0] == '\0') return;
    mark_damaged(source_,
                 {error_.rows_end ? error_.rows : info_.image_height, info_.image_height,
                  std::string("damaged JPEG: ") + error_.damage},
                 image);
  }

 private:
  template <class Step>
  void run(Step step) {
    if (!attempt(step)) fail_damaged();
  }

  [[noreturn]] void fail_damaged() {
    fail(ErrorCode::corrupt, source_, std::string("damaged JPEG: ") + error_.message);
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

JpegSize jpeg_size(const Source& source) {
  Decompressor jpeg(source);
  jpeg.read_header();
  return {jpeg.info().image_width, jpeg.info().image_height};
}

Image decode_jpeg(const Source& source) {
  Decompressor jpeg(source);
  jpeg.read_header();
  auto& info = jpeg.info();
  const unsigned denominator = denominator_for(info, source.options);
  check_size(source, info.image_width, info.image_height, bytes_of_pixel(info, denominator));

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
  Image image = make_image(info.output_width, info.output_height, format);
  jpeg.read_rows(image);
  if (format == PixelFormat::cmyk) {
    // JPEG files store ink inverted, as Adobe's programs do.
    for (auto& sample : image.samples) sample = static_cast<std::uint8_t>(255 - sample);
  }
  return image;
}

}  // namespace beeld
