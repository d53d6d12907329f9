#include <beeld/error.h>
#include <stdlib.h>
#include <tbb/task_arena.h>

#include <algorithm>
#include <cmath>

#include "core/tensor/unit_length.h"
#include "multimodal/index/indexer.h"
#include "multimodal/index/scan.h"

namespace beeld {

namespace {

std::vector<float> unit_query(std::span<const float> query, std::size_t dimension) {
  if (query.size() != dimension) {
    throw Error(ErrorCode::invalid_argument, "[search] expected a query of " + std::to_string(dimension) +
                                                 " values, got " + std::to_string(query.size()));
  }
  std::vector<float> unit(query.begin(), query.end());
  if (!scale_to_unit(std::span(unit)))
    throw Error(ErrorCode::invalid_argument,
                "[search] expected a query with a direction, got zeros or infinities");
  return unit;
}

std::shared_ptr<const Vectors> write_vectors(const std::filesystem::path& file, PictureTable& table,
                                             const VectorsKey& key) {
  VectorsWriter writer(file, key);
  table.for_each_embedding(
      [&](std::int64_t id, std::string_view, std::span<const float> row) { writer.add(id, row); });
  writer.finish();
  auto vectors = Vectors::open(file, key);
  if (!vectors) throw Error(ErrorCode::io, "[index] " + file.string() + ": was written, but cannot be read");
  return std::make_shared<const Vectors>(std::move(*vectors));
}

}  // namespace

std::filesystem::path vectors_file(const std::filesystem::path& index) { return index.string() + ".vectors"; }

std::shared_ptr<const Vectors> vectors_beside(const std::filesystem::path& index, PictureTable& table,
                                              const VectorsKey& key) {
  const auto file = vectors_file(index);
  if (auto vectors = Vectors::open(file, key)) return std::make_shared<const Vectors>(std::move(*vectors));
  return write_vectors(file, table, key);
}

std::shared_ptr<const Vectors> current_vectors(const std::filesystem::path& index, PictureTable& table,
                                               const VectorsKey& key, VectorsFile present) {
  try {
    if (present == VectorsFile::wrong) return write_vectors(vectors_file(index), table, key);
    return vectors_beside(index, table, key);
  } catch (const Error& error) {  // a folder that is read-only, or a disk that is full
    if (error.code() != ErrorCode::io) throw;
  }
  auto temporary = std::filesystem::temp_directory_path() / "beeld-vectors-XXXXXX";
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

std::shared_ptr<const Vectors> Indexer::vectors(VectorsFile present) const {
  return current_vectors(
      file_, *table_, {encoder_.model.fingerprint, library_, table_->generation(), encoder_.model.dimension},
      present);
}

std::vector<bool> Indexer::rows_below(const Vectors& vectors,
                                      const std::vector<std::filesystem::path>& folders) const {
  std::vector<bool> allowed(vectors.size());
  const auto ids = vectors.ids();
  for (const auto& range : ranges_below(folders)) {
    table_->for_each_id(range, [&](std::int64_t id) {
      const auto found = std::lower_bound(ids.begin(), ids.end(), id);
      if (found != ids.end() && *found == id) allowed[static_cast<std::size_t>(found - ids.begin())] = true;
    });
  }
  return allowed;
}

// Nothing where the file of vectors turns out not to hold these embeddings.
std::optional<std::vector<Match>> Indexer::rank(const Vectors& vectors, const ScanRequest& request) const {
  std::vector<Candidate> candidates;
  try {
    // Isolated: while this thread waits for the scan it must not begin another search, for it holds the lock.
    candidates = tbb::this_task_arena::isolate([&] { return scan(vectors, request); });
  } catch (const Error&) {
    return std::nullopt;
  }
  const double error = scan_error(vectors, request.query.size());
  std::vector<Match> matches;
  std::vector<float> embedding(request.query.size());
  std::string path;
  for (const auto& candidate : candidates) {
    if (!table_->read(vectors.ids()[candidate.row], path, embedding)) return std::nullopt;
    const float score = dot(request.query, embedding);
    const double difference = static_cast<double>(score) - static_cast<double>(candidate.score);
    if (!(std::fabs(difference) <= error)) return std::nullopt;
    if (score >= request.min_score) matches.push_back({path, score});
  }
  return matches;
}

std::vector<Match> Indexer::search(std::span<const float> query, std::size_t count, float min_score,
                                   const std::vector<std::filesystem::path>& folders) const {
  const auto unit = unit_query(query, encoder_.model.dimension);
  const std::lock_guard lock(reading_);
  const Transaction snapshot(database_, Transaction::Kind::read);
  const auto generation = table_->generation();
  if (!vectors_ || vectors_generation_ != generation) vectors_ = vectors(VectorsFile::trusted);
  vectors_generation_ = generation;

  const auto find = [&] {
    std::vector<bool> allowed;
    if (!folders.empty()) allowed = rows_below(*vectors_, folders);
    return rank(*vectors_, {unit, count, min_score, folders.empty() ? nullptr : &allowed});
  };
  auto found = find();
  if (!found) {
    vectors_ = vectors(VectorsFile::wrong);
    found = find();
  }
  if (!found)
    throw Error(ErrorCode::corrupt, "[index] " + file_.string() + ": its vectors cannot be rebuilt");
  auto& matches = *found;
  std::sort(matches.begin(), matches.end(), [](const Match& a, const Match& b) {
    return a.score != b.score ? a.score > b.score : a.path.native() < b.path.native();
  });
  if (matches.size() > count) matches.resize(count);
  return std::move(matches);
}

void Indexer::read_all(std::vector<std::filesystem::path>& paths, Matrix& embeddings,
                       const std::vector<std::filesystem::path>& folders) const {
  const std::lock_guard lock(reading_);
  const Transaction snapshot(database_, Transaction::Kind::read);
  table_->generation();
  paths.clear();
  embeddings = Matrix(0, encoder_.model.dimension);
  for (const auto& range : ranges_below(folders)) {
    table_->for_each_embedding(range, [&](std::int64_t, std::string_view path, std::span<const float> row) {
      paths.emplace_back(path);
      embeddings.values.insert(embeddings.values.end(), row.begin(), row.end());
    });
  }
  embeddings.rows = paths.size();
}

std::size_t Indexer::size() const {
  const std::lock_guard lock(reading_);
  return table_->size();
}

}  // namespace beeld
