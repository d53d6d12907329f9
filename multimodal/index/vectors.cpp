#include "multimodal/index/vectors.h"

#include <beeld/error.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstring>
#include <functional>
#include <utility>

#include "core/base/checksum.h"
#include "core/base/digest.h"
#include "core/kernels/half.h"

namespace beeld {

namespace {

// The file: this header, N rows of `stride` float16 values, N ids of 8 bytes, a checksum of 8 bytes for every
// block of rows; in the machine's byte order.
struct Header {
  char magic[8];
  std::uint32_t version;
  std::uint32_t stride;
  std::uint64_t count;
  std::int64_t generation;
  double rounding;
  char identity[64];       // SHA-256, hex
  std::uint64_t tail;      // checksum of the ids and of the blocks' checksums
  std::uint64_t checksum;  // of this header, with 0 here
  char reserved[8];        // rows begin on a cache line
};
static_assert(sizeof(Header) == 128);

constexpr char magic[8] = {'b', 'e', 'e', 'l', 'd', 'v', 'e', 'c'};
constexpr std::uint32_t version = 2;
constexpr double max_rounding = 0.01;  // of a unit row: 2^-11, and a little for subnormal values

std::size_t stride_of(std::size_t dimension) {
  return (dimension + vectors_row_multiple - 1) / vectors_row_multiple * vectors_row_multiple;
}

Header header_of(const VectorsKey& key) {
  Header header{};
  std::memcpy(header.magic, magic, sizeof(magic));
  header.version = version;
  header.stride = static_cast<std::uint32_t>(stride_of(key.dimension));
  header.generation = key.generation;
  Digest digest;
  digest.add(key.library);
  digest.add(key.fingerprint);
  digest.add(std::to_string(key.dimension));
  digest.hex().copy(header.identity, sizeof(header.identity));
  return header;
}

std::uint64_t sum_of(Header header) {
  header.checksum = 0;
  return checksum(std::as_bytes(std::span(&header, 1)));
}

template <class Value>
std::uint64_t sum_of(std::span<const Value> values, std::uint64_t seed = 0) {
  return checksum(std::as_bytes(values), seed);
}

std::size_t blocks_of(std::size_t rows) { return (rows + Vectors::block_rows - 1) / Vectors::block_rows; }

bool same_state(const Header& a, const Header& b) {
  return std::memcmp(a.magic, b.magic, sizeof(a.magic)) == 0 && a.version == b.version &&
         a.stride == b.stride && a.generation == b.generation &&
         std::memcmp(a.identity, b.identity, sizeof(a.identity)) == 0;
}

constexpr const char* unfinished_suffix = ".XXXXXX";  // as mkstemp wants it

// A process that was killed leaves its unfinished file. Whoever writes one now changes it all the time.
void remove_abandoned(const std::filesystem::path& file) {
  std::error_code error;
  const auto prefix = file.filename().string() + ".";
  const auto length = file.filename().string().size() + std::strlen(unfinished_suffix);
  const auto recently = std::filesystem::file_time_type::clock::now() - std::chrono::hours(1);
  std::filesystem::directory_iterator entry(std::filesystem::absolute(file).parent_path(), error), end;
  for (; !error && entry != end; entry.increment(error)) {
    const auto name = entry->path().filename().string();
    if (name.size() != length || !name.starts_with(prefix)) continue;
    std::error_code gone;
    if (const auto written = entry->last_write_time(gone); !gone && written < recently)
      std::filesystem::remove(entry->path(), gone);
  }
}

}  // namespace

std::optional<Vectors> Vectors::open(const std::filesystem::path& file, const VectorsKey& key) {
  Vectors vectors;
  try {
    vectors.file_ = std::make_unique<MappedFile>(file);
  } catch (const Error&) {
    return std::nullopt;
  }
  const auto bytes = vectors.file_->bytes();
  Header header{};
  if (bytes.size() < sizeof(header)) return std::nullopt;
  std::memcpy(&header, bytes.data(), sizeof(header));
  if (!same_state(header, header_of(key)) || header.checksum != sum_of(header)) return std::nullopt;

  const std::size_t row_bytes = header.stride * sizeof(std::uint16_t) + sizeof(std::int64_t);
  const std::size_t body = bytes.size() - sizeof(header);
  if (header.count > body / row_bytes) return std::nullopt;
  const auto blocks = blocks_of(header.count);
  if (body != header.count * row_bytes + blocks * sizeof(std::uint64_t)) return std::nullopt;
  if (!(header.rounding >= 0 && header.rounding <= max_rounding)) return std::nullopt;

  // Mappings begin on a page, so all arrays are aligned.
  vectors.stride_ = header.stride;
  vectors.rows_ = reinterpret_cast<const std::uint16_t*>(bytes.data() + sizeof(header));
  vectors.ids_ = {reinterpret_cast<const std::int64_t*>(vectors.rows_ + header.count * header.stride),
                  header.count};
  vectors.checksums_ = {reinterpret_cast<const std::uint64_t*>(vectors.ids_.data() + header.count), blocks};
  if (header.tail != sum_of(vectors.checksums_, sum_of(vectors.ids_))) return std::nullopt;
  const auto descent = std::ranges::adjacent_find(vectors.ids_, std::greater_equal());
  if (descent != vectors.ids_.end()) return std::nullopt;
  vectors.verified_ = std::make_unique<std::atomic<bool>[]>(blocks);
  vectors.rounding_ = header.rounding;
  return vectors;
}

bool Vectors::is_right(std::size_t block) const {
  auto& verified = verified_[block];
  if (verified.load(std::memory_order_relaxed)) return true;
  const auto first = block * block_rows;
  const auto rows = std::min(block_rows, size() - first);
  if (sum_of(std::span(rows_ + first * stride_, rows * stride_)) != checksums_[block]) return false;
  verified.store(true, std::memory_order_relaxed);
  return true;
}

VectorsWriter::VectorsWriter(const std::filesystem::path& file, const VectorsKey& key)
    : file_(file), key_(key) {
  remove_abandoned(file);
  auto name = file.string() + unfinished_suffix;
  const int descriptor = ::mkstemp(name.data());
  if (descriptor < 0) fail();
  temporary_ = name;
  ::fchmod(descriptor, 0644);
  stream_ = ::fdopen(descriptor, "wb");
  if (!stream_) ::close(descriptor);
  begin();
}

VectorsWriter::VectorsWriter(int descriptor, const VectorsKey& key) : file_("a file in memory"), key_(key) {
  const int copy = ::dup(descriptor);
  stream_ = copy < 0 ? nullptr : ::fdopen(copy, "wb");
  if (!stream_ && copy >= 0) ::close(copy);
  begin();
}

void VectorsWriter::begin() {
  try {
    if (!stream_) fail();
    const Header unfinished{};
    write(&unfinished, sizeof(unfinished));
  } catch (...) {
    abandon();
    throw;
  }
}

void VectorsWriter::abandon() {
  if (stream_) std::fclose(std::exchange(stream_, nullptr));
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
  temporary_.clear();
}

VectorsWriter::~VectorsWriter() { abandon(); }

void VectorsWriter::add(std::int64_t id, std::span<const float> row) {
  const auto begin = block_.size();
  block_.resize(begin + stride_of(key_.dimension));
  double squares = 0;
  for (std::size_t i = 0; i < key_.dimension; ++i) {
    block_[begin + i] = to_half(row[i]);
    const double error = static_cast<double>(row[i]) - static_cast<double>(from_half(block_[begin + i]));
    squares += error * error;
  }
  rounding_ = std::max(rounding_, std::sqrt(squares));
  ids_.push_back(id);
  if (ids_.size() % Vectors::block_rows == 0) end_block();
}

void VectorsWriter::end_block() {
  checksums_.push_back(sum_of(std::span<const std::uint16_t>(block_)));
  write(block_.data(), block_.size() * sizeof(block_[0]));
  block_.clear();
}

void VectorsWriter::finish() {
  if (!block_.empty()) end_block();
  write(ids_.data(), ids_.size() * sizeof(ids_[0]));
  write(checksums_.data(), checksums_.size() * sizeof(checksums_[0]));
  auto header = header_of(key_);
  header.count = ids_.size();
  header.rounding = rounding_ * (1 + 1e-9);  // the squares were summed with rounding of their own
  header.tail =
      sum_of(std::span<const std::uint64_t>(checksums_), sum_of(std::span<const std::int64_t>(ids_)));
  header.checksum = sum_of(header);
  if (std::fseek(stream_, 0, SEEK_SET) != 0) fail();
  write(&header, sizeof(header));
  if (std::fflush(stream_) != 0) fail();
  if (!temporary_.empty()) {
    if (::fsync(::fileno(stream_)) != 0 || ::rename(temporary_.c_str(), file_.c_str()) != 0) fail();
    temporary_.clear();
  }
  std::fclose(std::exchange(stream_, nullptr));
}

void VectorsWriter::write(const void* data, std::size_t bytes) {
  if (bytes > 0 && std::fwrite(data, 1, bytes, stream_) != bytes) fail();
}

void VectorsWriter::fail() const {
  throw Error(ErrorCode::io, "[index] " + file_.string() + ": cannot write: " + std::strerror(errno));
}

}  // namespace beeld
