#pragma once

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/base/files.h"

namespace beeld {

/// The state of an index that a file of vectors was derived from.
struct VectorsKey {
  std::string fingerprint;  ///< of the model
  std::string library;      ///< the index's random id
  std::int64_t generation = 0;
  std::size_t dimension = 0;
  bool operator==(const VectorsKey&) const = default;
};

/// The embeddings of an index as float16 rows, mapped into memory for scanning. Derived from the database
/// and replaceable by it at any time.
class Vectors {
 public:
  /// Nothing where the file is absent, of another state than `key`, or damaged, as far as all but the rows
  /// tells; those are verified when they are first used.
  static std::optional<Vectors> open(const std::filesystem::path& file, const VectorsKey& key);

  std::size_t size() const { return ids_.size(); }            ///< N
  std::size_t stride() const { return stride_; }              ///< values from one row to the next
  const std::uint16_t* rows() const { return rows_; }         ///< [N,stride], zeros behind the D values
  std::span<const std::int64_t> ids() const { return ids_; }  ///< [N], ascending
  double rounding() const { return rounding_; }  ///< The largest distance |v - half(v)| of all rows.

  /// Whether the rows of a block, [block_rows,stride], have their checksum; computed once for each block.
  bool is_right(std::size_t block) const;

  static constexpr std::size_t block_rows = 256;  ///< of which one block stays in a cache

 private:
  Vectors() = default;

  std::unique_ptr<MappedFile> file_;
  std::size_t stride_ = 0;
  const std::uint16_t* rows_ = nullptr;
  std::span<const std::int64_t> ids_;
  std::span<const std::uint64_t> checksums_;  // [blocks]
  std::unique_ptr<std::atomic<bool>[]> verified_;
  double rounding_ = 0;
};

/// Rows are filled up to a multiple of this many values, so that scanning needs no remainder.
constexpr std::size_t vectors_row_multiple = 64;

/// Writes such a file beside its place and moves it there at the end; without finish() nothing appears.
/// Throws Error(io).
class VectorsWriter {
 public:
  VectorsWriter(const std::filesystem::path& file, const VectorsKey& key);

  /// Into an open file, which stays where it is and open.
  VectorsWriter(int descriptor, const VectorsKey& key);
  ~VectorsWriter();
  VectorsWriter(const VectorsWriter&) = delete;
  VectorsWriter& operator=(const VectorsWriter&) = delete;

  /// Unit rows in ascending order of id.
  void add(std::int64_t id, std::span<const float> row);

  void finish();

 private:
  void begin();
  void abandon();
  void end_block();
  void write(const void* data, std::size_t bytes);
  [[noreturn]] void fail() const;

  std::filesystem::path file_;
  std::filesystem::path temporary_;
  VectorsKey key_;
  std::FILE* stream_ = nullptr;
  std::vector<std::int64_t> ids_;
  std::vector<std::uint16_t> block_;  // the rows since the last whole block
  std::vector<std::uint64_t> checksums_;
  double rounding_ = 0;
};

}  // namespace beeld
