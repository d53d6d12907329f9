#include "multimodal/index/schema.h"

#include <chrono>
#include <optional>
#include <thread>

#include "core/base/digest.h"
#include "multimodal/index/migration.h"

namespace beeld {

namespace {

constexpr std::int64_t application_id = 0x6265656c;  // "beel", the mark SQLite keeps for its users

// Embeddings have a table of their own, so that walking over the pictures does not read them.
constexpr const char* tables = R"(
  CREATE TABLE models (
    id INTEGER PRIMARY KEY,
    library BLOB NOT NULL,        -- random, new whenever its embeddings are started again
    name TEXT NOT NULL,           -- for messages
    fingerprint TEXT NOT NULL UNIQUE,
    dimension INTEGER NOT NULL,
    generation INTEGER NOT NULL,  -- grows with every change of the embeddings
    decoding TEXT,                -- the options that pictures are decoded with; NULL before the first update
    checksum INTEGER NOT NULL     -- of id, name, fingerprint and dimension
  ) STRICT;
  CREATE TABLE pictures (
    id INTEGER PRIMARY KEY,
    path BLOB NOT NULL UNIQUE,    -- "./..." from the index file's folder, else absolute; names may be any bytes
    size INTEGER NOT NULL,        -- -1: to be read again next time
    mtime_ns INTEGER NOT NULL,
    ctime_ns INTEGER NOT NULL,
    hash BLOB NOT NULL,           -- SHA-256 of the content, hex
    taken INTEGER,                -- seconds since 1970 of the camera's local time
    latitude REAL,
    longitude REAL,
    damage BLOB,                  -- what is wrong with a picture that was read as far as it goes
    gone INTEGER NOT NULL,        -- 1: its file was not there at the last update
    checksum INTEGER NOT NULL     -- of all this but gone
  ) STRICT;
  CREATE INDEX pictures_by_hash ON pictures (hash);
  CREATE INDEX pictures_gone ON pictures (gone) WHERE gone != 0;
  CREATE TABLE embeddings (
    key INTEGER PRIMARY KEY,      -- the model's id * 2^40 + the picture's
    picture INTEGER NOT NULL REFERENCES pictures (id),
    error BLOB,                   -- why this model has no embedding of the picture
    checksum INTEGER NOT NULL,    -- of key, error and vector
    vector BLOB                   -- float32, unit length; NULL where there is an error
  ) STRICT;
  CREATE INDEX embeddings_by_picture ON embeddings (picture, error);)";

std::string name_of(const Database& database) { return "[index] " + database.file().string() + ": "; }

// Changing the journal mode does not wait for other processes by itself.
void use_write_ahead_log(const Database& database) {
  for (int attempt = 0;; ++attempt) {
    try {
      return database.execute("PRAGMA journal_mode = WAL");
    } catch (const Error& error) {
      if (error.code() != ErrorCode::io || attempt == 100) throw;
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  }
}

bool is_empty(const Database& database) {
  return database.integer("SELECT count(*) FROM sqlite_schema") == 0;
}

std::string described(std::string_view name, std::string_view fingerprint) {
  return std::string(name) + " (" + std::string(fingerprint.substr(0, 12)) + ")";
}

/// In the words of the command's options, since people read it.
std::string options_of(const DecodeOptions& decoding) {
  std::string options;
  const auto add = [&options](bool chosen, const char* option) {
    if (chosen) options += (options.empty() ? "" : " ") + std::string(option);
  };
  add(decoding.orientation == Orientation::ignore, "--no-exif");
  add(decoding.decoding == Decoding::fast, "--fast");
  add(decoding.profile == ColorProfile::apply, "--icc");
  add(decoding.transparency == Transparency::on_white, "--on-white");
  return options;
}

std::string described(const std::string& options) {
  return options.empty() ? "none of --no-exif, --fast, --icc and --on-white" : options;
}

struct Adopted {
  std::int64_t id = 0;
  std::string library;
  std::int64_t dimension = 0;
};

std::optional<Adopted> find_model(const Database& database, const ModelIdentity& model) {
  auto statement =
      database.prepare("SELECT id, library, dimension FROM models WHERE fingerprint = CAST(? AS TEXT)");
  statement.bind(std::string_view(model.fingerprint));
  if (!statement.step()) return std::nullopt;
  return Adopted{statement.integer(0), std::string(statement.bytes(1)), statement.integer(2)};
}

[[noreturn]] void refuse_unknown_model(const Database& database, const ModelIdentity& model) {
  std::string known;
  for (const auto& row : models_of(database))
    known += (known.empty() ? "" : ", ") + described(row.identity.name, row.identity.fingerprint);
  throw Error(ErrorCode::invalid_argument, name_of(database) + "holds embeddings of " +
                                               (known.empty() ? "no model" : known) + ", none of " +
                                               described(model.name, model.fingerprint) +
                                               ", and is read-only; give another file with --db");
}

Adopted find_or_add_model(const Database& database, const ModelIdentity& model) {
  if (const auto found = find_model(database, model)) return *found;
  if (!database.writable()) refuse_unknown_model(database, model);
  Transaction transaction(database, Transaction::Kind::write);
  if (!find_model(database, model)) {
    const ModelRow row{database.integer("SELECT coalesce(max(id), 0) + 1 FROM models"), model};
    database
        .prepare(
            "INSERT INTO models (id, library, name, fingerprint, dimension, generation, checksum) "
            "VALUES (?, randomblob(16), CAST(? AS TEXT), CAST(? AS TEXT), ?, 1, ?)")
        .bind(row.id, std::string_view(model.name), std::string_view(model.fingerprint),
              static_cast<std::int64_t>(model.dimension), model_checksum(row))
        .run();
  }
  transaction.commit();
  return find_model(database, model).value();
}

void forget_embeddings(const Database& database, std::int64_t model) {
  database.prepare("DELETE FROM embeddings WHERE key >= ? AND key < ?")
      .bind(first_key(model), first_key(model + 1))
      .run();
}

void start_again(const Database& database, std::int64_t model) {
  Transaction transaction(database, Transaction::Kind::write);
  forget_embeddings(database, model);
  database.prepare("UPDATE models SET library = randomblob(16), generation = 1, decoding = NULL WHERE id = ?")
      .bind(model)
      .run();
  transaction.commit();
}

/// The options that are settled: these, unless others came first.
void settle_decoding(const Database& database, std::int64_t model, const std::string& options) {
  database.prepare("UPDATE models SET decoding = CAST(? AS TEXT) WHERE decoding IS NULL AND id = ?")
      .bind(std::string_view(options), model)
      .run();
  auto statement = database.prepare("SELECT decoding FROM models WHERE id = ?");
  statement.bind(model);
  const auto settled = statement.step() ? std::string(statement.bytes(0)) : std::string();
  if (settled == options) return;
  throw Error(ErrorCode::invalid_argument,
              name_of(database) + "made with " + described(settled) + ", but this update is with " +
                  described(options) +
                  "; give the same options, start again with --reindex, or give another file with --db");
}

}  // namespace

void create_index(const Database& database) {
  // 16 KiB hold several embeddings without a gap at the end of the page.
  database.execute("PRAGMA page_size = 16384");
  database.reserve_checksums();
  use_write_ahead_log(database);
  Transaction transaction(database, Transaction::Kind::write);
  if (!is_empty(database)) return;  // another process came first
  create_tables(database);
  transaction.commit();
}

std::int64_t model_checksum(const ModelRow& row) {
  Digest digest;
  const auto& [name, fingerprint, dimension] = row.identity;
  for (const auto& part : {std::to_string(row.id), name, fingerprint, std::to_string(dimension)})
    digest.add(std::to_string(part.size()) + ":" + part);
  return static_cast<std::int64_t>(std::stoull(digest.hex().substr(0, 16), nullptr, 16));
}

void create_tables(const Database& database) {
  database.execute(tables);
  database.execute("PRAGMA application_id = " + std::to_string(application_id));
  database.execute("PRAGMA user_version = " + std::to_string(schema_version));
}

void check_application(const Database& database) {
  if (database.integer("PRAGMA application_id") != application_id)
    throw Error(ErrorCode::corrupt, name_of(database) + "an SQLite database, but not an index of beeld");
}

void check_format(const Database& database) {
  check_application(database);
  const auto version = database.integer("PRAGMA user_version");
  if (version > schema_version) {
    throw Error(ErrorCode::unsupported, name_of(database) + "made by a newer beeld: format " +
                                            std::to_string(version) + ", this one knows " +
                                            std::to_string(schema_version));
  }
  if (version < 1)
    throw Error(ErrorCode::corrupt, name_of(database) + "unknown format " + std::to_string(version));
  if (version < schema_version && !database.writable()) {
    throw Error(ErrorCode::unsupported, name_of(database) + "made by an older beeld: format " +
                                            std::to_string(version) +
                                            ", which cannot be brought up to date in a read-only file; give "
                                            "another file with --db");
  }
  if (version == schema_version && !database.has_checksums())
    throw Error(ErrorCode::corrupt, name_of(database) + "damaged: its header reserves no room for checksums");
}

std::vector<ModelRow> read_models(const Database& database) {
  std::vector<ModelRow> models;
  auto statement = database.prepare("SELECT id, name, fingerprint, dimension FROM models ORDER BY id");
  while (statement.step()) {
    models.push_back({statement.integer(0),
                      {std::string(statement.bytes(1)), std::string(statement.bytes(2)),
                       static_cast<std::size_t>(statement.integer(3))}});
  }
  return models;
}

std::vector<ModelRow> models_of(const Database& database) {
  if (is_empty(database)) return {};
  check_format(database);
  if (database.integer("PRAGMA user_version") < schema_version) migrate(database);
  return read_models(database);
}

void drop_model(const Database& database, const ModelRow& model) {
  Transaction transaction(database, Transaction::Kind::write);
  forget_embeddings(database, model.id);
  database.prepare("DELETE FROM models WHERE id = ?").bind(model.id).run();
  transaction.commit();
}

std::string adopt_index(const Database& database, const ModelIdentity& model, Adoption adoption,
                        const DecodeOptions* decoding) {
  if (is_empty(database)) {
    if (!database.writable()) throw Error(ErrorCode::corrupt, name_of(database) + "empty and read-only");
    create_index(database);
  }
  check_format(database);
  // These hold for one connection, not for the file.
  if (database.writable()) database.execute("PRAGMA synchronous = NORMAL");
  if (database.integer("PRAGMA user_version") < schema_version) migrate(database);

  const auto adopted = find_or_add_model(database, model);
  if (adopted.dimension != static_cast<std::int64_t>(model.dimension)) {
    throw Error(ErrorCode::corrupt, name_of(database) + "embeddings of " + std::to_string(adopted.dimension) +
                                        " values, expected " + std::to_string(model.dimension));
  }
  if (adoption == Adoption::start_again) start_again(database, adopted.id);
  if (decoding) settle_decoding(database, adopted.id, options_of(*decoding));
  return find_model(database, model).value().library;
}

}  // namespace beeld
