#include "multimodal/index/schema.h"

#include <chrono>
#include <thread>

namespace beeld {

namespace {

constexpr std::int64_t application_id = 0x6265656c;  // "beel", the mark SQLite keeps for its users
constexpr std::int64_t schema_version = 2;
constexpr std::int64_t without_decoding = 1;  // the version that did not know how pictures were decoded

// Embeddings have a table of their own, so that walking over the pictures does not read them.
constexpr const char* tables = R"(
  CREATE TABLE meta (
    library BLOB NOT NULL,        -- random, new whenever the index starts again
    model TEXT NOT NULL,          -- its name, for messages
    fingerprint TEXT NOT NULL,
    dimension INTEGER NOT NULL,
    generation INTEGER NOT NULL,  -- grows with every change of the embeddings
    decoding TEXT                 -- the options that pictures are decoded with; NULL before the first update
  ) STRICT;
  CREATE TABLE pictures (
    id INTEGER PRIMARY KEY,
    path BLOB NOT NULL UNIQUE,    -- absolute; names may be any bytes
    size INTEGER NOT NULL,        -- -1: to be read again next time
    mtime_ns INTEGER NOT NULL,
    hash BLOB NOT NULL,           -- SHA-256 of the content, hex
    error BLOB                    -- why it cannot be read; NULL with an embedding
  ) STRICT;
  CREATE INDEX pictures_by_hash ON pictures (hash);
  CREATE TABLE embeddings (
    picture INTEGER PRIMARY KEY REFERENCES pictures (id) ON DELETE CASCADE,
    vector BLOB NOT NULL          -- float32, unit length
  ) STRICT;)";

std::string name_of(const Database& database) {
  auto statement = database.prepare("SELECT file FROM pragma_database_list WHERE name = 'main'");
  return "[index] " + (statement.step() ? std::string(statement.bytes(0)) : std::string("database")) + ": ";
}

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

void write_meta(const Database& database, const ModelIdentity& model) {
  database.execute("DELETE FROM meta");
  auto statement = database.prepare(
      "INSERT INTO meta (library, model, fingerprint, dimension, generation) "
      "VALUES (randomblob(16), CAST(? AS TEXT), CAST(? AS TEXT), ?, 1)");
  statement.bind(std::string_view(model.name), std::string_view(model.fingerprint),
                 static_cast<std::int64_t>(model.dimension));
  statement.run();
}

bool is_empty(const Database& database) {
  return database.integer("SELECT count(*) FROM sqlite_schema") == 0;
}

void create(const Database& database, const ModelIdentity& model) {
  // 16 KiB hold several embeddings without a gap at the end of the page.
  database.execute("PRAGMA page_size = 16384");
  use_write_ahead_log(database);
  Transaction transaction(database, Transaction::Kind::write);
  if (!is_empty(database)) return;  // another process came first
  database.execute(tables);
  database.execute("PRAGMA application_id = " + std::to_string(application_id));
  database.execute("PRAGMA user_version = " + std::to_string(schema_version));
  write_meta(database, model);
  transaction.commit();
}

void check_format(const Database& database) {
  if (database.integer("PRAGMA application_id") != application_id)
    throw Error(ErrorCode::corrupt, name_of(database) + "an SQLite database, but not an index of beeld");
  const auto version = database.integer("PRAGMA user_version");
  if (version > schema_version) {
    throw Error(ErrorCode::unsupported, name_of(database) + "made by a newer beeld: format " +
                                            std::to_string(version) + ", this one knows " +
                                            std::to_string(schema_version));
  }
  if (version != schema_version && version != without_decoding)
    throw Error(ErrorCode::corrupt, name_of(database) + "unknown format " + std::to_string(version));
}

std::string described(std::string_view name, std::string_view fingerprint) {
  return std::string(name) + " (" + std::string(fingerprint.substr(0, 12)) + ")";
}

struct Meta {
  std::string library, model, fingerprint;
  std::int64_t dimension = 0;
};

Meta read_meta(const Database& database) {
  auto statement = database.prepare("SELECT library, model, fingerprint, dimension FROM meta");
  if (!statement.step())
    throw Error(ErrorCode::corrupt, name_of(database) + "does not say which model it is for");
  return {std::string(statement.bytes(0)), std::string(statement.bytes(1)), std::string(statement.bytes(2)),
          statement.integer(3)};
}

void start_again(const Database& database, const ModelIdentity& model) {
  Transaction transaction(database, Transaction::Kind::write);
  database.execute("DELETE FROM embeddings; DELETE FROM pictures");
  write_meta(database, model);
  transaction.commit();
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

/// What the former version wrote counts as decoded by default.
void add_decoding(const Database& database) {
  Transaction transaction(database, Transaction::Kind::write);
  if (database.integer("PRAGMA user_version") != without_decoding) return;  // another process came first
  database.execute("ALTER TABLE meta ADD COLUMN decoding TEXT; UPDATE meta SET decoding = ''");
  database.execute("PRAGMA user_version = " + std::to_string(schema_version));
  transaction.commit();
}

/// The options that are settled: these, unless others came first.
std::string settle_decoding(const Database& database, const std::string& options) {
  database.prepare("UPDATE meta SET decoding = CAST(? AS TEXT) WHERE decoding IS NULL")
      .bind(std::string_view(options))
      .run();
  auto statement = database.prepare("SELECT decoding FROM meta");
  return statement.step() ? std::string(statement.bytes(0)) : std::string();
}

void adopt_decoding(const Database& database, const ModelIdentity& model, OtherModel other,
                    const std::string& options) {
  if (database.integer("PRAGMA user_version") == without_decoding) add_decoding(database);
  auto settled = settle_decoding(database, options);
  if (settled != options && other == OtherModel::start_again) {
    start_again(database, model);
    settled = settle_decoding(database, options);
  }
  if (settled == options) return;
  throw Error(ErrorCode::invalid_argument,
              name_of(database) + "made with " + described(settled) + ", but this update is with " +
                  described(options) +
                  "; give the same options, start again with --reindex, or give another file with --db");
}

}  // namespace

std::string adopt_index(const Database& database, const ModelIdentity& model, OtherModel other,
                        const DecodeOptions* decoding) {
  if (is_empty(database)) {
    if (!database.writable()) throw Error(ErrorCode::corrupt, name_of(database) + "empty and read-only");
    create(database, model);
  }
  check_format(database);
  // These hold for one connection, not for the file.
  if (database.writable()) database.execute("PRAGMA synchronous = NORMAL");

  auto meta = read_meta(database);
  if (meta.fingerprint != model.fingerprint) {
    if (other == OtherModel::refuse) {
      throw Error(ErrorCode::invalid_argument,
                  name_of(database) + "made by " + described(meta.model, meta.fingerprint) +
                      ", but this is " + described(model.name, model.fingerprint) +
                      "; start again with --reindex, or give another file with --db");
    }
    start_again(database, model);
  }
  if (decoding) adopt_decoding(database, model, other, options_of(*decoding));
  meta = read_meta(database);  // it may be new
  if (meta.dimension != static_cast<std::int64_t>(model.dimension)) {
    throw Error(ErrorCode::corrupt, name_of(database) + "embeddings of " + std::to_string(meta.dimension) +
                                        " values, expected " + std::to_string(model.dimension));
  }
  return meta.library;
}

}  // namespace beeld
