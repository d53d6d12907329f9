#include "multimodal/index/table.h"

#include <cstring>
#include <utility>

namespace beeld {

namespace {

std::string_view bytes_of(std::span<const float> values) {
  return {reinterpret_cast<const char*>(values.data()), values.size_bytes()};
}

}  // namespace

PictureTable::PictureTable(const Database& database, const ModelIdentity& model, std::string library)
    : database_(database),
      library_(std::move(library)),
      dimension_(model.dimension),
      meta_(database.prepare("SELECT library, generation FROM meta")),
      rows_(database.prepare("SELECT id, path, size, mtime_ns, hash, error FROM pictures "
                             "WHERE path >= ? AND path < ? ORDER BY path")),
      with_content_(database.prepare("SELECT id, path FROM pictures WHERE hash = ? AND error IS NULL "
                                     "ORDER BY path = ? DESC, path LIMIT 64")),
      read_(
          database.prepare("SELECT path, vector FROM pictures JOIN embeddings ON picture = id WHERE id = ?")),
      write_(database.prepare(
          "INSERT INTO pictures (path, size, mtime_ns, hash, error) VALUES (?, ?, ?, ?, ?) "
          "ON CONFLICT (path) DO UPDATE SET size = excluded.size, mtime_ns = excluded.mtime_ns, "
          "hash = excluded.hash, error = excluded.error RETURNING id")),
      restamp_(database.prepare("UPDATE pictures SET size = ?, mtime_ns = ? WHERE path = ?")),
      write_embedding_(database.prepare("INSERT OR REPLACE INTO embeddings VALUES (?, ?)")),
      erase_embedding_(database.prepare("DELETE FROM embeddings WHERE picture = ?")),
      erase_(database.prepare("DELETE FROM pictures WHERE id = ?")) {}

std::int64_t PictureTable::generation() {
  meta_.bind();
  if (!meta_.step() || meta_.bytes(0) != library_) {
    meta_.reset();
    throw Error(ErrorCode::invalid_argument,
                "[index] another process has started this index again; open it anew");
  }
  const auto generation = meta_.integer(1);
  meta_.reset();
  return generation;
}

void PictureTable::for_each(const PathRange& range, const std::function<void(const PictureRecord&)>& visit) {
  rows_.bind(std::string_view(range.first), std::string_view(range.end));
  PictureRecord record;
  while (rows_.step()) {
    record.id = rows_.integer(0);
    record.path = rows_.bytes(1);
    record.stamp = {rows_.integer(2), rows_.integer(3)};
    record.hash = rows_.bytes(4);
    record.error = rows_.bytes(5);
    visit(record);
  }
  rows_.reset();
}

void PictureTable::for_each_id(const PathRange& range, const std::function<void(std::int64_t)>& visit) {
  auto statement = database_.prepare("SELECT id FROM pictures WHERE path >= ? AND path < ?");
  statement.bind(std::string_view(range.first), std::string_view(range.end));
  while (statement.step()) visit(statement.integer(0));
}

void PictureTable::copy_embedding(std::string_view bytes, std::span<float> embedding) const {
  if (bytes.size() != embedding.size_bytes()) {
    throw Error(ErrorCode::corrupt, "[index] an embedding of " + std::to_string(bytes.size()) +
                                        " bytes, expected " + std::to_string(embedding.size_bytes()));
  }
  std::memcpy(embedding.data(), bytes.data(), bytes.size());
  double squares = 0;
  for (const float value : embedding) squares += static_cast<double>(value) * value;
  if (!(squares > 0.99 && squares < 1.01))
    throw Error(ErrorCode::corrupt, "[index] an embedding that is not of unit length");
}

void PictureTable::for_each_embedding(const PathRange& range, const VisitEmbedding& visit) {
  auto statement = database_.prepare(
      "SELECT id, path, vector FROM pictures JOIN embeddings ON picture = id "
      "WHERE path >= ? AND path < ? ORDER BY path");
  statement.bind(std::string_view(range.first), std::string_view(range.end));
  std::vector<float> embedding(dimension_);
  while (statement.step()) {
    copy_embedding(statement.bytes(2), embedding);
    visit(statement.integer(0), statement.bytes(1), embedding);
  }
}

void PictureTable::for_each_embedding(const VisitEmbedding& visit) {
  auto statement = database_.prepare("SELECT picture, vector FROM embeddings ORDER BY picture");
  std::vector<float> embedding(dimension_);
  while (statement.step()) {
    copy_embedding(statement.bytes(1), embedding);
    visit(statement.integer(0), {}, embedding);
  }
}

std::vector<PictureRecord> PictureTable::with_content(const std::string& hash, const std::string& path) {
  std::vector<PictureRecord> records;
  with_content_.bind(std::string_view(hash), std::string_view(path));
  while (with_content_.step()) {
    auto& record = records.emplace_back();
    record.id = with_content_.integer(0);
    record.path = with_content_.bytes(1);
  }
  with_content_.reset();
  return records;
}

bool PictureTable::read(std::int64_t id, std::string& path, std::span<float> embedding) {
  read_.bind(id);
  const bool found = read_.step();
  std::string values;  // a damaged embedding must not keep the statement open, and with it the snapshot
  if (found) {
    path = read_.bytes(0);
    values = read_.bytes(1);
  }
  read_.reset();
  if (found) copy_embedding(values, embedding);
  return found;
}

std::size_t PictureTable::size() {
  return static_cast<std::size_t>(database_.integer("SELECT count(*) FROM embeddings"));
}

void PictureTable::write(const PictureRecord& record, std::span<const float> embedding) {
  const auto bind = [&](const auto& error) {
    write_.bind(std::string_view(record.path), record.stamp.size, record.stamp.mtime_ns,
                std::string_view(record.hash), error);
  };
  if (embedding.empty())
    bind(std::string_view(record.error));
  else
    bind(std::nullopt);
  write_.step();
  const auto id = write_.integer(0);
  write_.run();
  if (embedding.empty()) {
    erase_embedding_.bind(id).run();
    embeddings_changed_ |= database_.changes() > 0;
  } else {
    write_embedding_.bind(id, bytes_of(embedding)).run();
    embeddings_changed_ = true;
  }
}

void PictureTable::restamp(const PictureRecord& record) {
  restamp_.bind(record.stamp.size, record.stamp.mtime_ns, std::string_view(record.path)).run();
}

void PictureTable::erase(std::int64_t id) {
  erase_embedding_.bind(id).run();
  embeddings_changed_ |= database_.changes() > 0;
  erase_.bind(id).run();
}

void PictureTable::advance_generation() {
  if (std::exchange(embeddings_changed_, false))
    database_.execute("UPDATE meta SET generation = generation + 1");
}

}  // namespace beeld
