#include "multimodal/index/check.h"

#include <beeld/error.h>

#include <unordered_set>

#include "multimodal/index/current_vectors.h"
#include "multimodal/index/migration.h"
#include "multimodal/index/schema.h"

namespace beeld {

namespace {

/// Numbers of whole rows; `damaged` where a row was not, or could not be reached.
using Rows = IndexCheck;

/// Visits the rows of a statement with the bounds "> ? AND < ?" on an ascending number, and goes on behind
/// rows that cannot be read. `visit` returns the number of the row, or nothing where it is damaged.
template <class Visit>
void visit_rows(Statement statement, std::int64_t above, std::int64_t below, Rows& rows, const Visit& visit) {
  for (std::int64_t step = 1; above < below;) {
    try {
      statement.bind(above, below);
      while (statement.step()) {
        if (const std::optional<std::int64_t> number = visit(statement)) {
          above = *number;
          step = 1;
        } else {
          rows.damaged = true;
        }
      }
      statement.reset();
      return;
    } catch (const Error& error) {
      statement.reset();
      if (error.code() != ErrorCode::corrupt) throw;
      rows.damaged = true;
      above = step < below - above ? above + step : below;
      step *= 2;
    }
  }
}

/// The ids of models that are whole.
std::vector<std::int64_t> copy_models(const Database& from, const Database* to, Rows& rows) {
  std::vector<std::int64_t> models;
  for (const auto& row : read_models(from)) {
    auto statement = from.prepare("SELECT library, generation, decoding, checksum FROM models WHERE id = ?");
    if (!statement.bind(row.id).step() || statement.integer(3) != model_checksum(row)) {
      rows.damaged = true;
      continue;
    }
    models.push_back(row.id);
    if (!to) continue;
    const auto decoding = statement.is_null(2) ? std::nullopt : std::optional(statement.bytes(2));
    // A new generation: the embeddings may be fewer.
    to->prepare(
          "INSERT OR IGNORE INTO models (id, library, name, fingerprint, dimension, generation, decoding, "
          "checksum) VALUES (?, ?, CAST(? AS TEXT), CAST(? AS TEXT), ?, ?, CAST(? AS TEXT), ?)")
        .bind(row.id, statement.bytes(0), std::string_view(row.identity.name),
              std::string_view(row.identity.fingerprint), static_cast<std::int64_t>(row.identity.dimension),
              statement.integer(1) + 1, decoding, model_checksum(row))
        .run();
  }
  return models;
}

/// Reads all rows, and copies those that are whole to `to`, where there is one.
Rows read_rows(const Database& from, const Database* to) {
  Rows rows;
  constexpr auto all = std::int64_t{1} << picture_bits;
  const auto models = copy_models(from, to, rows);
  std::optional<RowWriter> writer;
  if (to) writer.emplace(*to);

  std::unordered_set<std::int64_t> pictures;
  std::unordered_set<std::string> paths;
  visit_rows(from.prepare("SELECT " + std::string(picture_columns) +
                          " FROM pictures WHERE id > ? AND id < ? ORDER BY id"),
             0, all, rows, [&](const Statement& statement) -> std::optional<std::int64_t> {
               PictureRecord picture;
               try {
                 picture = picture_at(statement);
               } catch (const Error&) {
                 return std::nullopt;
               }
               if (!paths.insert(picture.path).second || !pictures.insert(picture.id).second)
                 return std::nullopt;
               ++rows.pictures;
               if (writer) writer->write(picture);
               return picture.id;
             });
  for (const auto model : models) {
    visit_rows(
        from.prepare(
            "SELECT key, checksum, error, vector FROM embeddings WHERE key > ? AND key < ? ORDER BY key"),
        first_key(model), first_key(model + 1), rows,
        [&](const Statement& statement) -> std::optional<std::int64_t> {
          const auto key = statement.integer(0);
          const auto error = statement.bytes(2), vector = statement.bytes(3);
          if (statement.integer(1) != embedding_checksum(key, error, vector)) return std::nullopt;
          if (!pictures.contains(key - first_key(model))) return std::nullopt;
          ++rows.embeddings;
          if (writer) writer->write(key, error, vector);
          return key;
        });
  }
  return rows;
}

bool is_sound(const Database& database) {
  auto statement = database.prepare("PRAGMA integrity_check(1)");
  return statement.step() && statement.bytes(0) == "ok";
}

/// Nothing where the database is damaged.
std::optional<Rows> rows_if_whole(const std::filesystem::path& file) {
  try {
    const auto database = Database::open(file, DatabaseAccess::read_write);
    check_format(database);
    if (database.integer("PRAGMA user_version") < schema_version) migrate(database);
    if (!is_sound(database)) return std::nullopt;
    const auto rows = read_rows(database, nullptr);
    return rows.damaged ? std::nullopt : std::optional(rows);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::corrupt) throw;
    return std::nullopt;
  }
}

void remove_database(const std::filesystem::path& file) {
  std::error_code ignored;
  for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(file.string() + suffix, ignored);
}

/// Copies what is whole of a damaged database into a new one.
void read_damaged(const Database& damaged, const std::filesystem::path& aside) {
  const Database rescued(aside, DatabaseAccess::create);
  create_index(rescued);
  Transaction transaction(rescued, Transaction::Kind::write);
  try {
    read_rows(damaged, &rescued);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::corrupt) throw;  // what can be read has been copied
  }
  transaction.commit();
}

/// What is whole goes through a database of its own into an index that is made anew.
Rows rescue(const std::filesystem::path& file) {
  const std::filesystem::path aside = file.string() + ".rescue";
  struct Remove {
    const std::filesystem::path& file;
    ~Remove() { remove_database(file); }
  } const remove{aside};
  remove_database(aside);
  std::optional<Database> damaged(std::in_place, file, DatabaseAccess::unverified);
  check_application(*damaged);
  read_damaged(*damaged, aside);
  if (!damaged->has_checksums()) {  // its header is beyond repair
    damaged.reset();
    remove_database(file);
    std::filesystem::rename(aside, file);
    auto rows = read_rows(Database(file, DatabaseAccess::read_write), nullptr);
    rows.damaged = true;
    return rows;
  }
  // Through SQLite's own locks, since others may have it open.
  damaged->clear();
  Transaction transaction(*damaged, Transaction::Kind::write);
  create_tables(*damaged);
  auto rows = read_rows(Database(aside, DatabaseAccess::read_write), &*damaged);
  transaction.commit();
  rows.damaged = true;
  return rows;
}

/// False where they had to be written anew, for every model that has any.
bool vectors_are_right(const std::filesystem::path& file) {
  bool right = true;
  const auto database = Database::open(file, DatabaseAccess::read_write);
  for (const auto& [id, identity] : models_of(database)) {
    if (!std::filesystem::exists(vectors_file(file, id))) continue;
    const auto library = adopt_index(database, identity);
    const Transaction snapshot(database, Transaction::Kind::read);
    PictureTable table(database, identity, library);
    right =
        make_right(file, table, {identity.fingerprint, library, table.generation(), identity.dimension}) &&
        right;
  }
  return right;
}

}  // namespace

IndexCheck check_index(const std::filesystem::path& file) {
  if (!std::filesystem::exists(file))
    throw Error(ErrorCode::not_found, "[index] " + file.string() + ": no such index");
  const auto whole = rows_if_whole(file);
  auto rows = whole ? *whole : rescue(file);
  if (!vectors_are_right(file)) rows.damaged = true;
  return rows;
}

}  // namespace beeld
