#include <algorithm>
#include <string_view>

#include "vision/decode/decode.h"
#include "vision/metadata/byte_reader.h"
#include "vision/metadata/exif.h"

namespace beeld {

namespace {

constexpr std::uint16_t photometric_tag = 262, directories_tag = 330, dng_version_tag = 50706;

bool holds_sensor_data(const ExifDirectory& directory) {
  constexpr std::uint32_t colour_filters = 32803, linear_raw = 34892;
  const auto photometric = directory.number(photometric_tag);
  return photometric == colour_filters || photometric == linear_raw;
}

}  // namespace

bool is_raw_tiff(std::span<const std::uint8_t> bytes) {
  constexpr std::size_t most_directories = 16;
  constexpr std::string_view canon = "CR";
  if (bytes.size() >= 10 && std::equal(canon.begin(), canon.end(), bytes.begin() + 8)) return true;
  const auto root = exif_root(bytes);
  if (!root) return false;
  if (root->number(dng_version_tag, 3) || holds_sensor_data(*root)) return true;
  for (std::size_t i = 0; i < most_directories; ++i) {
    const auto below = root->below(directories_tag, i);
    if (below && holds_sensor_data(*below)) return true;
  }
  return false;
}

}  // namespace beeld

#ifdef BEELD_RAW

#include <libraw/libraw.h>

#include <memory>

#include "core/base/shared_library.h"
#include "vision/decode/orientation.h"

namespace beeld {

namespace {

struct RawLibrary {
  SharedLibrary library{BEELD_RAW};
  decltype(libraw_init)& init = library["libraw_init"];
  decltype(libraw_close)& close = library["libraw_close"];
  decltype(libraw_open_buffer)& open = library["libraw_open_buffer"];
  decltype(libraw_unpack_thumb)& unpack_preview = library["libraw_unpack_thumb"];
  decltype(libraw_unpack)& unpack = library["libraw_unpack"];
  decltype(libraw_dcraw_process)& develop = library["libraw_dcraw_process"];
  decltype(libraw_dcraw_make_mem_image)& make_image = library["libraw_dcraw_make_mem_image"];
  decltype(libraw_dcraw_clear_mem)& clear = library["libraw_dcraw_clear_mem"];
  decltype(libraw_strerror)& message = library["libraw_strerror"];
};

/// What LibRaw's turns are called in EXIF.
int orientation_of(int flip) {
  switch (flip) {
    case 3:
      return 3;
    case 5:
      return 8;
    case 6:
      return 6;
    default:
      return 1;
  }
}

std::string size_text(std::int64_t width, std::int64_t height) {
  return std::to_string(width) + "x" + std::to_string(height);
}

/// One open file.
class Reader {
 public:
  explicit Reader(const Source& source)
      : source_(source), library_(loaded<RawLibrary>(source)), raw_(library_.init(silent), library_.close) {
    if (!raw_) throw std::bad_alloc();
    constexpr unsigned most_megabytes = 512;
    raw_->params.max_raw_memory_mb = most_megabytes;
    raw_->params.output_bps = 8;
    raw_->params.half_size = 1;
    raw_->params.use_camera_wb = 1;
    // LibRaw's interface is older than const; the input is only read.
    require(library_.open(raw_.get(), const_cast<std::uint8_t*>(source.bytes.data()), source.bytes.size()));
    orientation_ = orientation_of(raw_->sizes.flip);
    raw_->params.user_flip = 0;  // turned here, where that is asked for
  }

  Image read() {
    Image image = preview();
    return image.width > 0 ? image : developed();
  }

  int orientation() const { return orientation_; }

 private:
  /// No callbacks that print; the two options are spelt differently from release to release.
  static constexpr unsigned silent = 1 | 2;

  void require(int state) {
    if (state == LIBRAW_SUCCESS) return;
    const bool unsupported = state == LIBRAW_FILE_UNSUPPORTED || state == LIBRAW_NOT_IMPLEMENTED;
    fail(unsupported ? ErrorCode::unsupported : ErrorCode::corrupt, source_,
         std::string("camera raw: ") + library_.message(state));
  }

  /// The JPEG inside, where it is at least as wide as a development at half size; else nothing.
  Image preview() {
    if (library_.unpack_preview(raw_.get()) != LIBRAW_SUCCESS) return {};
    const auto& thumbnail = raw_->thumbnail;
    if (thumbnail.tformat != LIBRAW_THUMBNAIL_JPEG || !thumbnail.thumb || thumbnail.tlength < 4) return {};
    const std::span bytes(reinterpret_cast<const std::uint8_t*>(thumbnail.thumb),
                          std::size_t{thumbnail.tlength});
    DecodeOptions options = source_.options;
    options.damaged = Damaged::refuse;  // the sensor's values are still there
    const Source inside{bytes, options, source_.name, source_.lease};
    try {
      const auto [width, height] = jpeg_size(inside);
      if (2 * width < raw_->sizes.width) return {};
      leased_ = true;
      Image image = decode_jpeg(inside);
      image.remark = "the preview inside, " + size_text(width, height) + " of " +
                     size_text(raw_->sizes.width, raw_->sizes.height) + " pixels";
      return image;
    } catch (const Error& error) {
      if (error.code() != ErrorCode::corrupt) throw;
      return {};
    }
  }

  Image developed() {
    const auto& sizes = raw_->sizes;
    // The sensor's values twice, and the picture of half the size in 16 bits and in 8. A lease is taken once.
    if (!leased_)
      check_size(source_, std::max(sizes.raw_width, sizes.width), std::max(sizes.raw_height, sizes.height),
                 16);
    require(library_.unpack(raw_.get()));
    require(library_.develop(raw_.get()));
    int state = LIBRAW_SUCCESS;
    const std::unique_ptr<libraw_processed_image_t, decltype(&library_.clear)> made(
        library_.make_image(raw_.get(), &state), &library_.clear);
    require(state);
    if (!made || made->bits != 8 || (made->colors != 1 && made->colors != 3))
      fail(ErrorCode::unsupported, source_, "camera raw that is developed to neither grey nor RGB");
    Image image =
        make_image(made->width, made->height, made->colors == 1 ? PixelFormat::grey : PixelFormat::rgb);
    if (made->data_size < image.samples.size()) fail(ErrorCode::corrupt, source_, "damaged camera raw");
    std::copy_n(made->data, image.samples.size(), image.samples.data());
    image.remark = "developed at half size, " + size_text(made->width, made->height);
    return image;
  }

  const Source& source_;
  const RawLibrary& library_;
  std::unique_ptr<libraw_data_t, void (&)(libraw_data_t*)> raw_;
  int orientation_ = 1;
  bool leased_ = false;  ///< by the preview
};

}  // namespace

Image decode_raw(const Source& source) {
  Reader reader(source);
  Image image = reader.read();
  if (source.options.orientation == Orientation::ignore) return image;
  return turn_upright(std::move(image), reader.orientation());
}

}  // namespace beeld

#else

namespace beeld {

Image decode_raw(const Source& source) { fail_without(source, "LibRaw", "camera raw files"); }

}  // namespace beeld

#endif
