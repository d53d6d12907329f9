#include <algorithm>
#include <array>
#include <string_view>

#include "vision/decode/decode.h"
#include "vision/metadata/byte_reader.h"

namespace beeld {

namespace {

constexpr int most_code_bits = 12;
constexpr std::size_t table_size = std::size_t{1} << most_code_bits;

struct Frame {
  int left = 0, top = 0, width = 0, height = 0;
  bool interlaced = false;
  int transparent = -1;  ///< palette index, or -1
  std::vector<std::uint8_t> palette;
  std::size_t data = 0;  ///< position of the compressed indices
};

/// Reads a file's blocks up to its first frame. Throws Error(corrupt) at the end of the file.
class BlockReader {
 public:
  BlockReader(const Source& source, std::size_t at)
      : source_(source), reader_(source.bytes, ByteOrder::little), at_(at) {}

  int byte() {
    const auto value = reader_.u8(at_);
    if (!value) fail(ErrorCode::corrupt, source_, "truncated GIF");
    ++at_;
    return *value;
  }
  int word() {
    const int low = byte();
    return low | byte() << 8;
  }
  std::span<const std::uint8_t> take(std::size_t length) {
    if (!reader_.has(at_, length)) fail(ErrorCode::corrupt, source_, "truncated GIF");
    at_ += length;
    return source_.bytes.subspan(at_ - length, length);
  }
  std::size_t position() const { return at_; }

  /// The next sub-block, empty at the end of a chain.
  std::span<const std::uint8_t> sub_block() { return take(byte()); }

 private:
  const Source& source_;
  ByteReader reader_;
  std::size_t at_;
};

std::vector<std::uint8_t> read_palette(BlockReader& blocks, int flags) {
  const auto bytes = blocks.take(std::size_t{3} << ((flags & 7) + 1));
  return {bytes.begin(), bytes.end()};
}

/// Pillow opens a frame whose palette is the plain grey ramp as grey.
bool is_grey_ramp(const std::vector<std::uint8_t>& palette) {
  for (std::size_t i = 0; i < palette.size(); ++i) {
    if (palette[i] != i / 3) return false;
  }
  return true;
}

Frame find_first_frame(const Source& source, BlockReader& blocks, std::vector<std::uint8_t> global) {
  constexpr int extension = '!', image = ',', trailer = ';', graphic_control = 0xF9;
  Frame frame;
  for (;;) {
    const int kind = blocks.byte();
    if (kind == trailer) fail(ErrorCode::corrupt, source, "GIF without a frame");
    if (kind == extension) {
      const int label = blocks.byte();
      auto block = blocks.sub_block();
      if (label == graphic_control && block.size() >= 4 && block[0] & 1) frame.transparent = block[3];
      while (!block.empty()) block = blocks.sub_block();
    } else if (kind == image) {
      frame.left = blocks.word();
      frame.top = blocks.word();
      frame.width = blocks.word();
      frame.height = blocks.word();
      const int flags = blocks.byte();
      frame.interlaced = flags & 0x40;
      frame.palette = flags & 0x80 ? read_palette(blocks, flags) : std::move(global);
      frame.data = blocks.position();
      return frame;
    }
  }
}

/// On white, the transparent index is white.
void make_white(Frame& frame) {
  const std::size_t entry = frame.transparent < 0 ? frame.palette.size() : 3 * std::size_t(frame.transparent);
  if (entry < frame.palette.size()) std::fill_n(&frame.palette[entry], 3, std::uint8_t{255});
}

/// The rows in the order in which the file stores them.
std::vector<int> row_order(const Frame& frame) {
  std::vector<int> rows;
  rows.reserve(frame.height);
  if (!frame.interlaced) {
    for (int y = 0; y < frame.height; ++y) rows.push_back(y);
    return rows;
  }
  constexpr std::array<std::pair<int, int>, 4> passes = {{{0, 8}, {4, 8}, {2, 4}, {1, 2}}};
  for (const auto& [start, step] : passes) {
    for (int y = start; y < frame.height; y += step) rows.push_back(y);
  }
  return rows;
}

/// Takes codes of a varying number of bits from a chain of sub-blocks.
class CodeReader {
 public:
  CodeReader(const Source& source, BlockReader& blocks) : source_(source), blocks_(blocks) {}

  int next(int bits) {
    while (held_ < bits) {
      if (block_.empty()) block_ = blocks_.sub_block();
      if (block_.empty()) fail(ErrorCode::corrupt, source_, "truncated GIF frame");
      buffer_ |= std::uint32_t{block_.front()} << held_;
      block_ = block_.subspan(1);
      held_ += 8;
    }
    const int code = static_cast<int>(buffer_ & ((1u << bits) - 1));
    buffer_ >>= bits;
    held_ -= bits;
    return code;
  }

 private:
  const Source& source_;
  BlockReader& blocks_;
  std::span<const std::uint8_t> block_;
  std::uint32_t buffer_ = 0;
  int held_ = 0;
};

/// GIF's variant of LZW (Welch 1984): `count` palette indices.
std::vector<std::uint8_t> unpack(const Source& source, BlockReader& blocks, std::size_t count) {
  const int literal_bits = blocks.byte();
  if (literal_bits < 1 || literal_bits > 8)
    fail(ErrorCode::corrupt, source, "GIF code size of " + std::to_string(literal_bits) + " bits");
  const int clear = 1 << literal_bits, end = clear + 1;
  CodeReader codes(source, blocks);
  std::array<std::uint16_t, table_size> prefix{};
  std::array<std::uint8_t, table_size> last{}, stack{};
  int next = end + 1, bits = literal_bits + 1, previous = -1;
  std::uint8_t first = 0;

  std::vector<std::uint8_t> indices;
  indices.reserve(count);
  while (indices.size() < count) {
    const int code = codes.next(bits);
    if (code == end) fail(ErrorCode::corrupt, source, "GIF frame ends early");
    if (code == clear) {
      next = end + 1, bits = literal_bits + 1, previous = -1;
      continue;
    }
    if (code > next || (previous < 0 && code >= clear) || (code == next && previous < 0))
      fail(ErrorCode::corrupt, source, "damaged GIF frame");
    // Unwind the string of this code backwards; the newest code is the previous string and its first index.
    std::size_t depth = 0;
    int walk = code;
    if (code == next) stack[depth++] = first, walk = previous;
    for (; walk > end; walk = prefix[walk]) {
      if (depth + 1 >= table_size) fail(ErrorCode::corrupt, source, "damaged GIF frame");
      stack[depth++] = last[walk];
    }
    first = static_cast<std::uint8_t>(walk);
    stack[depth++] = first;
    if (previous >= 0 && next < static_cast<int>(table_size)) {
      prefix[next] = static_cast<std::uint16_t>(previous);
      last[next] = first;
      ++next;
      if (next == 1 << bits && bits < most_code_bits) ++bits;
    }
    previous = code;
    while (depth > 0 && indices.size() < count) indices.push_back(stack[--depth]);
  }
  return indices;
}

}  // namespace

Image decode_gif(const Source& source) {
  BlockReader blocks(source, 6);
  int width = blocks.word(), height = blocks.word();
  const int flags = blocks.byte();
  blocks.take(2);  // background index, pixel aspect ratio
  std::vector<std::uint8_t> global;
  if (flags & 0x80) global = read_palette(blocks, flags);
  Frame frame = find_first_frame(source, blocks, std::move(global));
  if (source.options.transparency == Transparency::on_white) make_white(frame);
  width = std::max(width, frame.left + frame.width);
  height = std::max(height, frame.top + frame.height);
  check_size(source, width, height);

  const auto packed = unpack(source, blocks, std::size_t(frame.width) * frame.height);
  const auto background = static_cast<std::uint8_t>(std::max(frame.transparent, 0));
  std::vector<std::uint8_t> indices(std::size_t(width) * height, background);
  const auto* row = packed.data();
  for (const int y : row_order(frame)) {
    std::copy_n(row, frame.width, indices.data() + std::size_t(frame.top + y) * width + frame.left);
    row += frame.width;
  }

  if (is_grey_ramp(frame.palette)) {
    Image image;
    image.width = width;
    image.height = height;
    image.format = PixelFormat::grey;
    image.samples = std::move(indices);
    return image;
  }
  return expand_palette(width, height, indices, std::move(frame.palette));
}

}  // namespace beeld
