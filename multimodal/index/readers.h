#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "multimodal/index/table.h"

namespace beeld {

/// A connection for reading. Not for use by several threads at once.
struct Reader {
  Reader(Database connection, const ModelIdentity& model, std::string its_library);

  Database database;
  std::string library;
  PictureTable table;
};

/// The connections that read one index: as many as threads read it at the moment, and idle ones for the next.
/// Safe for use by several threads at once.
class Readers {
 public:
  /// Opens the file, or makes it, and calls adopt_index().
  Readers(std::filesystem::path file, ModelIdentity model);

  /// adopt_index() through a connection of the caller's, after which snapshots are of the library that it
  /// returns.
  std::string adopt(const Database& database, Adoption adoption, const DecodeOptions& decoding);

  /// Whether the file may be written to.
  bool writable() const { return writable_; }

 private:
  friend class Snapshot;
  std::unique_ptr<Reader> take();
  void give_back(std::unique_ptr<Reader> reader);

  std::filesystem::path file_;
  ModelIdentity model_;
  bool writable_ = false;

  std::mutex mutex_;
  std::string library_;
  std::vector<std::unique_ptr<Reader>> idle_;  // all of library_
};

/// The index as it stands when this object is made, whatever is written while it lives; for one thread.
/// Nobody waits for anybody who holds one.
///
/// Throws Error(invalid_argument) where another process has started the index again, corrupt or io.
class Snapshot {
 public:
  explicit Snapshot(Readers& readers);
  ~Snapshot();
  Snapshot(const Snapshot&) = delete;
  Snapshot& operator=(const Snapshot&) = delete;

  PictureTable& table() const { return reader_->table; }
  const std::string& library() const { return reader_->library; }
  std::int64_t generation() const { return generation_; }

 private:
  Readers& readers_;
  std::unique_ptr<Reader> reader_;
  std::optional<Transaction> transaction_;
  std::int64_t generation_ = 0;
};

}  // namespace beeld
