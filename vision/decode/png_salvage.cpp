#include <zlib.h>

#include <algorithm>

#include "vision/decode/png.h"

namespace beeld {

namespace {

/// Rows of one pass of an interlaced picture, or of all of one that is not: filter byte and samples.
struct Pass {
  std::size_t rows, row_bytes;
};

std::vector<Pass> passes_of(const Png& png) {
  const std::size_t channels = png.colour == Png::truecolour         ? 3
                               : png.colour == Png::truecolour_alpha ? 4
                               : png.colour == Png::grey_alpha       ? 2
                                                                     : 1;
  const auto pass_of = [&](std::size_t width, std::size_t height) {
    return Pass{width == 0 ? 0 : height, 1 + (width * channels * static_cast<std::size_t>(png.bits) + 7) / 8};
  };
  if (png.header[12] == 0) return {pass_of(png.width, png.height)};
  // Adam7: where each pass begins and how far its pixels are apart.
  constexpr std::array<std::array<std::size_t, 4>, 7> adam7 = {
      {{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4}, {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2}}};
  std::vector<Pass> passes;
  for (const auto& [x, y, step_x, step_y] : adam7)
    passes.push_back(pass_of((png.width + step_x - 1 - x) / step_x, (png.height + step_y - 1 - y) / step_y));
  return passes;
}

/// What a stream gave.
struct Inflated {
  std::size_t bytes = 0;
  bool goes_on = false;  ///< It holds more than there was room for.
};

Inflated inflate_into(std::span<const std::span<const std::uint8_t>> parts, std::vector<std::uint8_t>& out) {
  z_stream stream{};
  Inflated inflated;
  if (inflateInit(&stream) != Z_OK) return inflated;
  std::uint8_t beyond = 0;
  std::size_t given = 0;
  int state = Z_OK;
  for (const auto part : parts) {
    // zlib's interface is older than const; the input is only read.
    stream.next_in = const_cast<Bytef*>(part.data());
    stream.avail_in = static_cast<uInt>(part.size());
    while (state == Z_OK && stream.avail_in > 0 && !inflated.goes_on) {
      constexpr std::size_t most = std::size_t{1} << 30;
      const std::size_t room = std::min(out.size() - given, most);
      stream.next_out = room > 0 ? out.data() + given : &beyond;
      stream.avail_out = room > 0 ? static_cast<uInt>(room) : 1;
      const uInt before = stream.avail_out;
      state = inflate(&stream, Z_NO_FLUSH);
      const std::size_t came = before - stream.avail_out;
      if (room > 0)
        given += came;
      else
        inflated.goes_on = came > 0;
    }
  }
  inflateEnd(&stream);
  inflated.bytes = given;
  return inflated;
}

/// Bytes up to the first row that is incomplete or begins with an unknown filter.
std::size_t whole_rows(std::span<const std::uint8_t> bytes, const std::vector<Pass>& passes,
                       std::size_t came) {
  constexpr std::uint8_t last_filter = 4;
  std::size_t at = 0;
  for (const auto& pass : passes) {
    for (std::size_t row = 0; row < pass.rows; ++row, at += pass.row_bytes)
      if (at + pass.row_bytes > came || bytes[at] > last_filter) return at;
  }
  return at;
}

/// The shortest way to a zlib stream: stored blocks.
std::vector<std::uint8_t> stored(const Source& source, std::span<const std::uint8_t> bytes) {
  std::vector<std::uint8_t> out(compressBound(bytes.size()) + bytes.size() / 1000 + 64);
  auto size = static_cast<uLongf>(out.size());
  if (compress2(out.data(), &size, bytes.data(), bytes.size(), Z_NO_COMPRESSION) != Z_OK)
    fail(ErrorCode::corrupt, source, "damaged PNG data");
  out.resize(size);
  return out;
}

}  // namespace

std::vector<std::uint8_t> salvage_png(const Source& source, const Png& png, Salvage& salvage) {
  const auto passes = passes_of(png);
  std::size_t all = 0;
  for (const auto& pass : passes) all += pass.rows * pass.row_bytes;
  std::vector<std::uint8_t> bytes(all);
  const auto inflated = inflate_into(png.data, bytes);
  if (png.damage.empty() && inflated.goes_on)
    fail(ErrorCode::corrupt, source, "damaged PNG data: more than its picture");
  const std::size_t whole = whole_rows(bytes, passes, inflated.bytes);
  std::fill(bytes.begin() + static_cast<std::ptrdiff_t>(whole), bytes.end(), std::uint8_t{0});
  salvage.rows = static_cast<std::int64_t>(passes.size() == 1 ? whole / passes[0].row_bytes
                                                              : std::uint64_t{png.height} * whole / all);
  return stored(source, bytes);
}

}  // namespace beeld
