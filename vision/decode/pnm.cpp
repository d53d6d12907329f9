#include <algorithm>
#include <cmath>

#include "vision/decode/decode.h"

namespace beeld {

namespace {

bool is_space(int byte) { return byte == ' ' || (byte >= '\t' && byte <= '\r'); }

/// Reads the text parts of a Netpbm file.
class Scanner {
 public:
  explicit Scanner(const Source& source, std::size_t at) : source_(source), at_(at) {}

  /// An unsigned number after white space and comments; the one byte behind it is consumed.
  int number() {
    skip();
    std::int64_t value = 0;
    std::size_t digits = 0;
    for (; at_ < source_.bytes.size() && !is_space(source_.bytes[at_]); ++at_, ++digits) {
      const int digit = source_.bytes[at_] - '0';
      if (digit < 0 || digit > 9 || digits == 9) fail(ErrorCode::corrupt, source_, "PNM: expected a number");
      value = 10 * value + digit;
    }
    if (digits == 0) fail(ErrorCode::corrupt, source_, "truncated PNM");
    ++at_;
    return static_cast<int>(value);
  }

  /// A digit 0 or 1 of a plain bitmap, where white space may be left out.
  int bit() {
    skip();
    const int digit = at_ < source_.bytes.size() ? source_.bytes[at_++] - '0' : -1;
    if (digit != 0 && digit != 1) fail(ErrorCode::corrupt, source_, "PNM: expected 0 or 1");
    return digit;
  }

  std::span<const std::uint8_t> take(std::int64_t length) {
    const std::size_t left = source_.bytes.size() - std::min(at_, source_.bytes.size());
    if (length > static_cast<std::int64_t>(left)) {
      fail(ErrorCode::corrupt, source_,
           "truncated PNM: expected " + std::to_string(length) + " bytes, got " + std::to_string(left));
    }
    return source_.bytes.subspan(at_, length);
  }

  std::size_t left() const { return source_.bytes.size() - std::min(at_, source_.bytes.size()); }

 private:
  void skip() {
    while (at_ < source_.bytes.size() && (is_space(source_.bytes[at_]) || source_.bytes[at_] == '#')) {
      if (source_.bytes[at_] == '#') {
        while (at_ < source_.bytes.size() && source_.bytes[at_] != '\n' && source_.bytes[at_] != '\r') ++at_;
      } else {
        ++at_;
      }
    }
  }

  const Source& source_;
  std::size_t at_;
};

/// Samples of any depth are stretched to 0...255, grey as colours: Pillow cuts wide grey off at 255.
std::uint8_t scaled(int value, int most) {
  return static_cast<std::uint8_t>(std::min(255.0, std::nearbyint(value / double(most) * 255)));
}

Image decode_bitmap(const Source& source, Scanner& scanner, bool plain) {
  const int width = scanner.number(), height = scanner.number();
  check_size(source, width, height);
  const std::size_t stride = (std::size_t(width) + 7) / 8;
  if (plain && scanner.left() < std::size_t(width) * height)
    fail(ErrorCode::corrupt, source, "truncated PNM");
  const auto packed =
      plain ? std::span<const std::uint8_t>() : scanner.take(static_cast<std::int64_t>(stride) * height);
  std::vector<std::uint8_t> indices(std::size_t(width) * height);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const int ink = plain ? scanner.bit() : packed[y * stride + x / 8] >> (7 - x % 8) & 1;
      indices[std::size_t(y) * width + x] = static_cast<std::uint8_t>(1 - ink);
    }
  }
  return expand_palette(width, height, indices, bilevel_palette());
}

Image decode_samples(const Source& source, Scanner& scanner, bool plain, PixelFormat format) {
  const int width = scanner.number(), height = scanner.number(), most = scanner.number();
  check_size(source, width, height);
  if (most < 1 || most > 65535)
    fail(ErrorCode::corrupt, source, "PNM maximum of " + std::to_string(most) + "; expected 1 to 65535");
  const bool grey = format == PixelFormat::grey;
  const std::int64_t count = std::int64_t{width} * height * (grey ? 1 : 3);
  const int bytes_each = most > 255 ? 2 : 1;
  if (plain && static_cast<std::int64_t>(scanner.left()) < count)
    fail(ErrorCode::corrupt, source, "truncated PNM");
  const auto packed = plain ? std::span<const std::uint8_t>() : scanner.take(count * bytes_each);

  Image image = make_image(width, height, format);
  for (std::int64_t i = 0; i < count; ++i) {
    int value = 0;
    if (plain) {
      value = scanner.number();
      if (value > most) fail(ErrorCode::corrupt, source, "PNM sample above the stated maximum");
    } else {
      value = bytes_each == 1 ? packed[i] : packed[2 * i] << 8 | packed[2 * i + 1];
    }
    image.samples[i] = scaled(value, most);
  }
  return image;
}

}  // namespace

Image decode_pnm(const Source& source) {
  Scanner scanner(source, 2);
  switch (source.bytes[1]) {
    case '1':
      return decode_bitmap(source, scanner, true);
    case '2':
      return decode_samples(source, scanner, true, PixelFormat::grey);
    case '3':
      return decode_samples(source, scanner, true, PixelFormat::rgb);
    case '4':
      return decode_bitmap(source, scanner, false);
    case '5':
      return decode_samples(source, scanner, false, PixelFormat::grey);
    default:
      return decode_samples(source, scanner, false, PixelFormat::rgb);
  }
}

}  // namespace beeld
