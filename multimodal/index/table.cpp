#include "multimodal/index/table.h"

#include <cstring>
#include <unordered_set>
#include <utility>

namespace beeld {

namespace {

std::string_view bytes_of(std::span<const float> values) {
  return {reinterpret_cast<const char*>(values.data()), values.size_bytes()};
}

[[noreturn]] void fail_restarted() {
  throw Error(ErrorCode::invalid_argument,
              "[index] another process has started this index again; open it anew");
}

[[noreturn]] void fail_damaged() {
  throw Error(ErrorCode::corrupt, "[index] an embedding is damaged; beeld index --check mends it");
}

std::int64_t model_of(const Database& database, const std::string& library) {
  auto statement = database.prepare("SELECT id FROM models WHERE library = ?");
  statement.bind(std::string_view(library));
  if (!statement.step()) fail_restarted();
  return statement.integer(0);
}

// By the index, whose entries are short: the table's pages are full of vectors.
constexpr const char* joined_by_index =
    "JOIN embeddings INDEXED BY embeddings_by_picture ON picture = id AND key = ? + id ";

std::string select_pictures(const std::string& more) {
  return "SELECT " + std::string(picture_columns) + ", key IS NOT NULL, error FROM pictures LEFT " +
         joined_by_index + more;
}

PictureRecord picture_and_state_at(const Statement& statement) {
  auto picture = picture_at(statement);
  picture.error = statement.bytes(picture_column_count + 1);
  picture.embedded = statement.integer(picture_column_count) != 0 && picture.error.empty();
  return picture;
}

/// Ends a statement whatever happens while its row is read: an open one keeps its snapshot.
class Reading {
 public:
  explicit Reading(Statement& statement) : statement_(statement) {}
  ~Reading() { statement_.reset(); }
  Reading(const Reading&) = delete;
  Reading& operator=(const Reading&) = delete;

 private:
  Statement& statement_;
};

}  // namespace

PictureTable::PictureTable(const Database& database, const ModelIdentity& model, const std::string& library)
    : database_(database),
      paths_(database.file()),
      library_(library),
      dimension_(model.dimension),
      model_(model_of(database, library)),
      rows_(database),
      meta_(database.prepare("SELECT library, generation FROM models WHERE id = ?")),
      find_(database.prepare(select_pictures("WHERE path = ?"))),
      find_id_(database.prepare(select_pictures("WHERE id = ?"))),
      with_content_(database.prepare("SELECT id FROM pictures CROSS " + std::string(joined_by_index) +
                                     "WHERE hash = ? AND error IS NULL LIMIT 1")),
      read_(database.prepare("SELECT " + std::string(picture_columns) +
                             ", embeddings.checksum, vector FROM pictures CROSS JOIN embeddings "
                             "ON key = ? + id WHERE id = ? AND error IS NULL")),
      keys_(database.prepare("SELECT key FROM embeddings WHERE picture = ? AND error IS NULL")),
      hash_(database.prepare("SELECT hash FROM pictures WHERE id = ?")),
      embedding_(database.prepare("SELECT checksum, vector FROM embeddings WHERE key = ?")),
      next_id_(database.prepare("SELECT coalesce(max(id), 0) + 1 FROM pictures")),
      set_gone_(database.prepare("UPDATE pictures SET gone = ? WHERE id = ?")),
      erase_embeddings_(database.prepare("DELETE FROM embeddings WHERE picture = ?")),
      erase_(database.prepare("DELETE FROM pictures WHERE id = ?")) {}

std::int64_t PictureTable::generation() {
  meta_.bind(model_);
  const Reading reading(meta_);
  if (!meta_.step() || meta_.bytes(0) != library_) fail_restarted();
  return meta_.integer(1);
}

void PictureTable::for_each(const PathRange& range, const VisitPicture& visit) {
  auto statement = database_.prepare(select_pictures("WHERE path >= ? AND path < ? ORDER BY path"));
  for (const auto& part : paths_.stored(range)) {
    statement.bind(first_key(model_), std::string_view(part.first), std::string_view(part.end));
    while (statement.step()) {
      auto picture = picture_and_state_at(statement);
      picture.path = paths_.known(picture.path);
      visit(picture);
    }
  }
}

void PictureTable::for_each_present(const PathRange& range, const VisitPicture& visit) {
  auto statement =
      database_.prepare("SELECT " + std::string(picture_columns) +
                        " FROM pictures WHERE path >= ? AND path < ? AND gone = 0 ORDER BY path");
  for (const auto& part : paths_.stored(range)) {
    statement.bind(std::string_view(part.first), std::string_view(part.end));
    while (statement.step()) {
      auto picture = picture_at(statement);
      picture.path = paths_.known(picture.path);
      visit(picture);
    }
  }
}

void PictureTable::for_each_id(const PathRange& range, const std::function<void(std::int64_t)>& visit) {
  auto statement = database_.prepare("SELECT id FROM pictures WHERE path >= ? AND path < ?");
  for (const auto& part : paths_.stored(range)) {
    statement.bind(std::string_view(part.first), std::string_view(part.end));
    while (statement.step()) visit(statement.integer(0));
  }
}

void PictureTable::for_each_gone(const std::function<void(std::int64_t id, std::string_view hash)>& visit) {
  auto statement = database_.prepare("SELECT id, hash FROM pictures WHERE gone != 0");
  while (statement.step()) visit(statement.integer(0), statement.bytes(1));
}

// The statement stands on a row with the checksum in this column, and the vector in the next one.
void PictureTable::copy_embedding(std::int64_t id, const Statement& statement, int column,
                                  std::span<float> embedding) const {
  const auto bytes = statement.bytes(column + 1);
  if (bytes.size() != embedding.size_bytes()) {
    throw Error(ErrorCode::corrupt, "[index] an embedding of " + std::to_string(bytes.size()) +
                                        " bytes, expected " + std::to_string(embedding.size_bytes()));
  }
  if (statement.integer(column) != embedding_checksum(key(id), {}, bytes)) fail_damaged();
  std::memcpy(embedding.data(), bytes.data(), bytes.size());
  double squares = 0;
  for (const float value : embedding) squares += static_cast<double>(value) * value;
  if (!(squares > 0.99 && squares < 1.01))
    throw Error(ErrorCode::corrupt, "[index] an embedding that is not of unit length");
}

void PictureTable::for_each_embedding(const PathRange& range, const VisitEmbedding& visit) {
  auto statement = database_.prepare(
      "SELECT id, path, embeddings.checksum, vector FROM pictures CROSS JOIN embeddings ON key = ? + id "
      "WHERE path >= ? AND path < ? AND gone = 0 AND error IS NULL ORDER BY path");
  std::vector<float> embedding(dimension_);
  for (const auto& part : paths_.stored(range)) {
    statement.bind(first_key(model_), std::string_view(part.first), std::string_view(part.end));
    while (statement.step()) {
      copy_embedding(statement.integer(0), statement, 2, embedding);
      visit(statement.integer(0), paths_.known(statement.bytes(1)), embedding);
    }
  }
}

void PictureTable::for_each_embedding(const VisitEmbedding& visit) {
  std::unordered_set<std::int64_t> gone;
  for_each_gone([&](std::int64_t id, std::string_view) { gone.insert(id); });
  auto statement = database_.prepare(
      "SELECT key, checksum, vector FROM embeddings WHERE key >= ? AND key < ? AND error IS NULL ORDER BY "
      "key");
  statement.bind(first_key(model_), first_key(model_ + 1));
  std::vector<float> embedding(dimension_);
  while (statement.step()) {
    const auto id = statement.integer(0) - first_key(model_);
    if (gone.contains(id)) continue;
    copy_embedding(id, statement, 1, embedding);
    visit(id, {}, embedding);
  }
}

PictureRecord PictureTable::find(const std::string& path) {
  const auto stored = paths_.stored(path);
  find_.bind(first_key(model_), std::string_view(stored));
  const Reading reading(find_);
  if (!find_.step()) return {};
  auto picture = picture_and_state_at(find_);
  picture.path = path;
  return picture;
}

PictureRecord PictureTable::find(std::int64_t id) {
  find_id_.bind(first_key(model_), id);
  const Reading reading(find_id_);
  if (!find_id_.step()) return {};
  auto picture = picture_and_state_at(find_id_);
  picture.path = paths_.known(picture.path);
  return picture;
}

std::int64_t PictureTable::with_content(const std::string& hash) {
  with_content_.bind(first_key(model_), std::string_view(hash));
  const Reading reading(with_content_);
  return with_content_.step() ? with_content_.integer(0) : 0;
}

bool PictureTable::read(std::int64_t id, PictureRecord& picture, std::span<float> embedding) {
  read_.bind(first_key(model_), id);
  const Reading reading(read_);
  if (!read_.step()) return false;
  picture = picture_at(read_);
  picture.path = paths_.known(picture.path);
  copy_embedding(id, read_, picture_column_count, embedding);
  return true;
}

std::size_t PictureTable::size() {
  auto all = database_.prepare(
      "SELECT count(*) FROM embeddings INDEXED BY embeddings_by_picture "
      "WHERE key >= ? AND key < ? AND error IS NULL");
  all.bind(first_key(model_), first_key(model_ + 1)).step();
  auto gone = database_.prepare("SELECT count(*) FROM pictures CROSS " + std::string(joined_by_index) +
                                "WHERE gone != 0 AND error IS NULL");
  gone.bind(first_key(model_)).step();
  return static_cast<std::size_t>(all.integer(0) - gone.integer(0));
}

/// What was known of the path before, with the id that it has now.
PictureRecord PictureTable::write_row(const PictureRecord& picture) {
  auto known = find(picture.path);
  if (known.id != 0 && known.hash != picture.hash) erase_embeddings(known.id);
  if (known.gone) note(Changed::all);
  if (known.id == 0) {
    next_id_.bind();
    const Reading reading(next_id_);
    next_id_.step();
    known.id = next_id_.integer(0);
  }
  auto row = picture;
  row.id = known.id;
  row.path = paths_.stored(picture.path);
  row.gone = false;
  rows_.write(row);
  return known;
}

std::int64_t PictureTable::write(const PictureRecord& picture, std::span<const float> embedding,
                                 std::int64_t copied) {
  const auto known = write_row(picture);
  if (copied != 0) copy_other_models(picture, copied, known.id);
  rows_.write(key(known.id), embedding.empty() ? std::string_view(picture.error) : std::string_view(),
              bytes_of(embedding));
  if (known.embedded || !embedding.empty()) note(Changed::own);
  return known.id;
}

void PictureTable::copy_other_models(const PictureRecord& picture, std::int64_t source, std::int64_t id) {
  {
    hash_.bind(source);
    const Reading reading(hash_);
    if (source == id || !hash_.step() || hash_.bytes(0) != picture.hash) return;  // it is another one by now
  }
  std::vector<std::int64_t> keys;
  keys_.bind(source);
  while (keys_.step())
    if (keys_.integer(0) != key(source)) keys.push_back(keys_.integer(0));
  keys_.reset();
  for (const auto from : keys) {
    embedding_.bind(from);
    const Reading reading(embedding_);
    if (!embedding_.step()) continue;
    const auto vector = embedding_.bytes(1);
    if (embedding_.integer(0) != embedding_checksum(from, {}, vector)) fail_damaged();
    rows_.write(from - source + id, {}, vector);
    note(Changed::all);
  }
}

void PictureTable::restamp(const PictureRecord& picture) { write_row(picture); }

void PictureTable::rename(std::int64_t id, const PictureRecord& picture) {
  if (const auto there = find(picture.path); there.id != 0 && there.id != id) erase(there.id);
  auto row = picture;
  row.id = id;
  row.path = paths_.stored(picture.path);
  row.gone = false;
  rows_.write(row);
  note(Changed::all);  // its file is there again
}

void PictureTable::set_gone(std::int64_t id, bool gone) {
  set_gone_.bind(static_cast<std::int64_t>(gone), id).run();
  note(Changed::all);
}

void PictureTable::erase_embeddings(std::int64_t id) {
  erase_embeddings_.bind(id).run();
  if (database_.changes() > 0) note(Changed::all);
}

void PictureTable::erase(std::int64_t id) {
  erase_embeddings(id);
  erase_.bind(id).run();
}

void PictureTable::advance_generation() {
  switch (std::exchange(changed_, Changed::nothing)) {
    case Changed::nothing:
      return;
    case Changed::own:
      database_.prepare("UPDATE models SET generation = generation + 1 WHERE id = ?").bind(model_).run();
      return;
    case Changed::all:
      return database_.execute("UPDATE models SET generation = generation + 1");
  }
}

}  // namespace beeld
