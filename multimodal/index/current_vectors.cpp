#include "multimodal/index/current_vectors.h"

#include <beeld/error.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <utility>

namespace beeld {

namespace {

void fill(VectorsWriter& writer, PictureTable& table) {
  table.for_each_embedding(
      [&](std::int64_t id, const std::string&, std::span<const float> row) { writer.add(id, row); });
  writer.finish();
}

std::shared_ptr<const Vectors> open_written(const std::filesystem::path& file, const VectorsKey& key) {
  auto vectors = Vectors::open(file, key);
  if (!vectors) throw Error(ErrorCode::io, "[index] " + file.string() + ": was written, but cannot be read");
  return std::make_shared<const Vectors>(std::move(*vectors));
}

std::shared_ptr<const Vectors> write_vectors(const std::filesystem::path& file, PictureTable& table,
                                             const VectorsKey& key) {
  {
    VectorsWriter writer(file, key);
    fill(writer, table);
  }
  return open_written(file, key);
}

std::shared_ptr<const Vectors> write_vectors_in_memory(PictureTable& table, const VectorsKey& key) {
  const int descriptor = ::memfd_create("beeld-vectors", MFD_CLOEXEC);
  if (descriptor < 0) throw Error(ErrorCode::io, "[index] no file in memory for vectors");
  try {
    VectorsWriter writer(descriptor, key);
    fill(writer, table);
    auto vectors = open_written("/proc/self/fd/" + std::to_string(descriptor), key);
    ::close(descriptor);  // the mapping keeps the content
    return vectors;
  } catch (...) {
    ::close(descriptor);
    throw;
  }
}

std::shared_ptr<const Vectors> write_temporary_vectors(PictureTable& table, const VectorsKey& key) {
  const auto temporary = std::filesystem::temp_directory_path() / "beeld-vectors-XXXXXX";
  std::string folder = temporary.string();
  if (!::mkdtemp(folder.data())) throw Error(ErrorCode::io, "[index] " + folder + ": cannot be made");
  const auto remove = [&] {
    std::error_code ignored;
    std::filesystem::remove_all(folder, ignored);
  };
  try {
    auto vectors = write_vectors(std::filesystem::path(folder) / "vectors", table, key);
    remove();  // the mapping keeps the content
    return vectors;
  } catch (...) {
    remove();
    throw;
  }
}

std::shared_ptr<const Vectors> write_elsewhere(PictureTable& table, const VectorsKey& key) {
  try {
    return write_temporary_vectors(table, key);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::io) throw;
    return write_vectors_in_memory(table, key);
  }
}

}  // namespace

std::filesystem::path vectors_file(const std::filesystem::path& index, std::int64_t model) {
  return index.string() + ".vectors" + (model == 1 ? "" : "-" + std::to_string(model));
}

std::shared_ptr<const Vectors> vectors_beside(const std::filesystem::path& index, PictureTable& table,
                                              const VectorsKey& key) {
  const auto file = vectors_file(index, table.model());
  if (auto vectors = Vectors::open(file, key)) return std::make_shared<const Vectors>(std::move(*vectors));
  return write_vectors(file, table, key);
}

bool make_right(const std::filesystem::path& index, PictureTable& table, const VectorsKey& key) {
  const auto file = vectors_file(index, table.model());
  const auto vectors = Vectors::open(file, key);
  bool right = vectors.has_value();
  for (std::size_t block = 0; right && block * Vectors::block_rows < vectors->size(); ++block)
    right = vectors->is_right(block);
  if (!right) write_vectors(file, table, key);
  return right;
}

CurrentVectors::CurrentVectors(std::filesystem::path index) : index_(std::move(index)) {}

std::shared_ptr<const Vectors> CurrentVectors::get(PictureTable& table, const VectorsKey& key) {
  const std::lock_guard lock(mutex_);
  if (is_outdated(key)) return nullptr;
  if (vectors_ && key_ == key) return vectors_;
  return make(table, key, Present::trusted);
}

std::shared_ptr<const Vectors> CurrentVectors::replace(const Vectors& wrong, PictureTable& table,
                                                       const VectorsKey& key) {
  const std::lock_guard lock(mutex_);
  if (is_outdated(key)) return nullptr;
  if (vectors_.get() != &wrong && key_ == key) return vectors_;  // another search has replaced them
  return make(table, key, Present::wrong);
}

bool CurrentVectors::is_outdated(const VectorsKey& key) const {
  return vectors_ && key_.library == key.library && key_.generation > key.generation;
}

std::shared_ptr<const Vectors> CurrentVectors::make(PictureTable& table, const VectorsKey& key,
                                                    Present present) {
  const auto make_beside = [&] {
    if (present == Present::wrong) return write_vectors(vectors_file(index_, table.model()), table, key);
    return vectors_beside(index_, table, key);
  };
  try {
    vectors_ = make_beside();
  } catch (const Error& error) {  // a folder that is read-only, or a disk that is full
    if (error.code() != ErrorCode::io) throw;
    vectors_ = write_elsewhere(table, key);
  }
  key_ = key;
  return vectors_;
}

}  // namespace beeld
