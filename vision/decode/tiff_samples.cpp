#include "vision/decode/tiff.h"

#ifdef BEELD_TIFF

#include <tiffio.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <memory>

#include "core/base/shared_library.h"

namespace beeld {

namespace {

struct TiffLibrary {
  SharedLibrary library{BEELD_TIFF};
  decltype(TIFFOpenOptionsAlloc)& options_alloc = library["TIFFOpenOptionsAlloc"];
  decltype(TIFFOpenOptionsFree)& options_free = library["TIFFOpenOptionsFree"];
  decltype(TIFFOpenOptionsSetMaxSingleMemAlloc)& set_max_alloc =
      library["TIFFOpenOptionsSetMaxSingleMemAlloc"];
  decltype(TIFFOpenOptionsSetErrorHandlerExtR)& set_error_handler =
      library["TIFFOpenOptionsSetErrorHandlerExtR"];
  decltype(TIFFOpenOptionsSetWarningHandlerExtR)& set_warning_handler =
      library["TIFFOpenOptionsSetWarningHandlerExtR"];
  decltype(TIFFClientOpenExt)& open = library["TIFFClientOpenExt"];
  decltype(TIFFClose)& close = library["TIFFClose"];
  decltype(TIFFGetField)& get = library["TIFFGetField"];
  decltype(TIFFSetField)& set = library["TIFFSetField"];
  decltype(TIFFIsCODECConfigured)& knows = library["TIFFIsCODECConfigured"];
  decltype(TIFFScanlineSize64)& row_bytes = library["TIFFScanlineSize64"];
  decltype(TIFFReadScanline)& read_row = library["TIFFReadScanline"];
  decltype(TIFFTileSize64)& tile_bytes = library["TIFFTileSize64"];
  decltype(TIFFTileRowSize64)& tile_row_bytes = library["TIFFTileRowSize64"];
  decltype(TIFFReadTile)& read_tile = library["TIFFReadTile"];
  decltype(TIFFReadRGBAImageOriented)& read_colours = library["TIFFReadRGBAImageOriented"];
};

/// A file in memory, as libtiff's functions see it.
struct File {
  const Source& source;
  std::uint64_t at = 0;
  std::string message;  ///< libtiff's first
};

tmsize_t read_file(thandle_t handle, void* to, tmsize_t size) {
  auto& file = *static_cast<File*>(handle);
  const auto bytes = file.source.bytes;
  const auto from = std::min<std::uint64_t>(file.at, bytes.size());
  const auto count = std::min<std::uint64_t>(bytes.size() - from, static_cast<std::uint64_t>(size));
  if (count > 0) std::memcpy(to, bytes.data() + from, count);
  file.at = from + count;
  return static_cast<tmsize_t>(count);
}

tmsize_t write_file(thandle_t, void*, tmsize_t) { return 0; }

toff_t seek_file(thandle_t handle, toff_t offset, int whence) {
  auto& file = *static_cast<File*>(handle);
  const auto size = file.source.bytes.size();
  file.at = whence == SEEK_SET ? offset : (whence == SEEK_CUR ? file.at : size) + offset;
  return file.at;
}

int close_file(thandle_t) { return 0; }

toff_t size_of_file(thandle_t handle) { return static_cast<File*>(handle)->source.bytes.size(); }

/// The bytes as they are: libtiff does not write to them when it reads.
int map_file(thandle_t handle, void** base, toff_t* size) {
  const auto bytes = static_cast<File*>(handle)->source.bytes;
  *base = const_cast<std::uint8_t*>(bytes.data());
  *size = bytes.size();
  return 1;
}

void unmap_file(thandle_t, void*, toff_t) {}

int keep_message(TIFF*, void* user, const char*, const char* format, va_list arguments) {
  auto& file = *static_cast<File*>(user);
  if (file.message.empty()) {
    char text[256];
    std::vsnprintf(text, sizeof text, format, arguments);
    file.message = text;
  }
  return 1;  // nothing is printed
}

int ignore_message(TIFF*, void*, const char*, const char*, va_list) { return 1; }

/// One open file.
class Reader {
 public:
  Reader(const Source& source, const Tiff& tiff)
      : library_(loaded<TiffLibrary>(source)), file_{source, 0, {}}, tiff_(tiff) {
    const std::unique_ptr<TIFFOpenOptions, decltype(&library_.options_free)> options(library_.options_alloc(),
                                                                                     &library_.options_free);
    library_.set_max_alloc(options.get(), most_bytes());
    library_.set_error_handler(options.get(), keep_message, &file_);
    library_.set_warning_handler(options.get(), ignore_message, nullptr);
    handle_ = library_.open("picture", "r", &file_, read_file, write_file, seek_file, close_file,
                            size_of_file, map_file, unmap_file, options.get());
    if (!handle_) damaged();
  }
  ~Reader() {
    if (handle_) library_.close(handle_);
  }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  Raster read() {
    check();
    const bool as_colours =
        tiff_.photometric == Tiff::cie_lab ||
        (tiff_.photometric == Tiff::luminance_chrominance && tiff_.compression != Tiff::jpeg);
    if (as_colours) return read_colours();
    if (tiff_.photometric == Tiff::luminance_chrominance)
      library_.set(handle_, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
    if (tiff_.channels < 1 || tiff_.channels > most_channels)
      fail(ErrorCode::unsupported, file_.source,
           "TIFF of " + std::to_string(tiff_.channels) + " samples a pixel");
    Raster raster = empty_raster(static_cast<int>(std::min<std::uint64_t>(tiff_.channels, 4)));
    if (tiff_.tile_width > 0)
      read_tiles(raster);
    else
      read_rows(raster);
    return raster;
  }

 private:
  static constexpr std::uint64_t most_channels = 64;

  [[noreturn]] void damaged() {
    fail(ErrorCode::corrupt, file_.source,
         "damaged TIFF" + (file_.message.empty() ? "" : ": " + file_.message));
  }

  /// One piece that libtiff may ask for: a strip or a tile, which is at most the whole picture, or what is
  /// stored.
  tmsize_t most_bytes() const {
    const auto pixels = std::max(tiff_.width, tiff_.tile_width) * std::max(tiff_.height, tiff_.tile_height);
    const auto bytes = static_cast<std::uint64_t>(pixels) * std::max<std::uint64_t>(tiff_.channels, 4) * 8;
    return static_cast<tmsize_t>(std::min<std::uint64_t>(bytes, std::uint64_t{1} << 40) + (1 << 20) +
                                 2 * file_.source.bytes.size());
  }

  /// libtiff must have read what check_size() was told.
  void check() {
    std::uint32_t width = 0, height = 0, tile_width = 0, tile_height = 0;
    std::uint16_t bits = 1, channels = 1, compression = 1;
    library_.get(handle_, TIFFTAG_IMAGEWIDTH, &width);
    library_.get(handle_, TIFFTAG_IMAGELENGTH, &height);
    library_.get(handle_, TIFFTAG_TILEWIDTH, &tile_width);
    library_.get(handle_, TIFFTAG_TILELENGTH, &tile_height);
    library_.get(handle_, TIFFTAG_BITSPERSAMPLE, &bits);
    library_.get(handle_, TIFFTAG_SAMPLESPERPIXEL, &channels);
    library_.get(handle_, TIFFTAG_COMPRESSION, &compression);
    if (width != tiff_.width || height != tiff_.height || tile_width != tiff_.tile_width ||
        tile_height != tiff_.tile_height || bits != tiff_.bits || channels != tiff_.channels)
      damaged();
    if (!library_.knows(compression))
      fail(ErrorCode::unsupported, file_.source, "TIFF of compression " + std::to_string(compression));
  }

  Raster empty_raster(int channels) const {
    Raster raster{static_cast<int>(tiff_.width), static_cast<int>(tiff_.height), channels, {}, {}, {}};
    const std::size_t samples = std::size_t(tiff_.width) * tiff_.height * channels;
    if (tiff_.sample_format == Tiff::floating_point)
      raster.floats.resize(samples);
    else if (tiff_.bits == 16)
      raster.words.resize(samples);
    else
      raster.bytes.resize(samples);
    return raster;
  }

  Raster read_colours() {
    Raster raster{static_cast<int>(tiff_.width), static_cast<int>(tiff_.height), 3, {}, {}, {}};
    const std::size_t pixels = std::size_t(tiff_.width) * tiff_.height;
    std::vector<std::uint32_t> packed(pixels);
    constexpr int stop_on_error = 1;
    if (!library_.read_colours(handle_, static_cast<std::uint32_t>(tiff_.width),
                               static_cast<std::uint32_t>(tiff_.height), packed.data(), ORIENTATION_TOPLEFT,
                               stop_on_error))
      damaged();
    raster.bytes.resize(3 * pixels);
    for (std::size_t i = 0; i < pixels; ++i)
      for (std::size_t c = 0; c < 3; ++c)
        raster.bytes[3 * i + c] = static_cast<std::uint8_t>(packed[i] >> 8 * c);
    return raster;
  }

  /// Where a row of stored samples goes: `count` pixels from (x, y) on, all channels or one.
  struct Run {
    std::int64_t x, y, count;
    std::size_t plane;
  };

  void read_rows(Raster& raster) {
    std::vector<std::uint8_t> row(library_.row_bytes(handle_));
    require(row.size(), tiff_.width);
    const std::size_t planes = tiff_.planes ? raster.channels : 1;
    for (std::size_t plane = 0; plane < planes; ++plane) {
      for (std::int64_t y = 0; y < tiff_.height; ++y) {
        if (library_.read_row(handle_, row.data(), static_cast<std::uint32_t>(y),
                              static_cast<std::uint16_t>(plane)) < 0)
          damaged();
        unpack(row.data(), {0, y, tiff_.width, plane}, raster);
      }
    }
  }

  void read_tiles(Raster& raster) {
    const std::size_t row_bytes = library_.tile_row_bytes(handle_);
    std::vector<std::uint8_t> tile(library_.tile_bytes(handle_));
    require(row_bytes, tiff_.tile_width);
    if (tiff_.tile_height < 1 || tile.size() / row_bytes < static_cast<std::size_t>(tiff_.tile_height))
      damaged();
    const std::size_t planes = tiff_.planes ? raster.channels : 1;
    for (std::size_t plane = 0; plane < planes; ++plane) {
      for (std::int64_t top = 0; top < tiff_.height; top += tiff_.tile_height) {
        for (std::int64_t left = 0; left < tiff_.width; left += tiff_.tile_width) {
          if (library_.read_tile(handle_, tile.data(), static_cast<std::uint32_t>(left),
                                 static_cast<std::uint32_t>(top), 0, static_cast<std::uint16_t>(plane)) < 0)
            damaged();
          const auto rows = std::min(tiff_.tile_height, tiff_.height - top);
          const auto columns = std::min(tiff_.tile_width, tiff_.width - left);
          for (std::int64_t y = 0; y < rows; ++y)
            unpack(tile.data() + static_cast<std::size_t>(y) * row_bytes, {left, top + y, columns, plane},
                   raster);
        }
      }
    }
  }

  /// The bytes that a row of pixels takes must be those that unpack() reads.
  void require(std::size_t row_bytes, std::int64_t pixels) {
    const std::uint64_t samples = static_cast<std::uint64_t>(pixels) * (tiff_.planes ? 1 : tiff_.channels);
    if (row_bytes < (samples * tiff_.bits + 7) / 8) damaged();
  }

  void unpack(const std::uint8_t* row, const Run& run, Raster& raster) const {
    const std::size_t stored = tiff_.planes ? 1 : tiff_.channels;
    const std::size_t kept = tiff_.planes ? 1 : static_cast<std::size_t>(raster.channels);
    const std::size_t first =
        (static_cast<std::size_t>(run.y * tiff_.width + run.x)) * static_cast<std::size_t>(raster.channels) +
        run.plane;
    if (!raster.bytes.empty() && tiff_.bits == 8 && !tiff_.planes && stored == kept) {
      std::copy_n(row, static_cast<std::size_t>(run.count) * kept, &raster.bytes[first]);
      return;
    }
    for (std::size_t i = 0; i < static_cast<std::size_t>(run.count); ++i) {
      for (std::size_t c = 0; c < kept; ++c) {
        const std::size_t from = i * stored + c,
                          to = first + i * static_cast<std::size_t>(raster.channels) + c;
        if (!raster.floats.empty())
          raster.floats[to] = float_at(row, from);
        else if (!raster.words.empty())
          std::memcpy(&raster.words[to], row + 2 * from, 2);
        else
          raster.bytes[to] = byte_at(row, from);
      }
    }
  }

  float float_at(const std::uint8_t* row, std::size_t i) const {
    if (tiff_.bits == 32) {
      float value = 0;
      std::memcpy(&value, row + 4 * i, 4);
      return value;
    }
    double value = 0;
    std::memcpy(&value, row + 8 * i, 8);
    return static_cast<float>(value);
  }

  std::uint8_t byte_at(const std::uint8_t* row, std::size_t i) const {
    const auto bits = static_cast<unsigned>(tiff_.bits);
    if (bits == 8) return row[i];
    const std::size_t at = i * bits;
    return static_cast<std::uint8_t>(row[at / 8] >> (8 - bits - at % 8) & ((1u << bits) - 1));
  }

  const TiffLibrary& library_;
  File file_;
  const Tiff& tiff_;
  TIFF* handle_ = nullptr;
};

}  // namespace

Raster decode_tiff_samples(const Source& source, const Tiff& tiff) { return Reader(source, tiff).read(); }

}  // namespace beeld

#else

namespace beeld {

Raster decode_tiff_samples(const Source& source, const Tiff&) { fail_without(source, "libtiff", "TIFF"); }

}  // namespace beeld

#endif
