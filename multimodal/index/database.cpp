#include "multimodal/index/database.h"

#include <sqlite3.h>
#include <unistd.h>

#include <utility>

#include "multimodal/index/checked_pages.h"

namespace beeld {

namespace {

constexpr int busy_milliseconds = 30'000;

ErrorCode code_of(int result) {
  if (result == SQLITE_IOERR_DATA) return ErrorCode::corrupt;
  switch (result & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_ERROR:  // the file has no such table or column
    case SQLITE_MISMATCH:
    case SQLITE_CONSTRAINT:
      return ErrorCode::corrupt;
    case SQLITE_NOMEM:
    case SQLITE_TOOBIG:
      return ErrorCode::limit;
    default:
      return ErrorCode::io;
  }
}

/// Another process has the file for itself: it must be waited for, and not be read past its locks.
struct Locked : Error {
  using Error::Error;
};

[[noreturn]] void fail(sqlite3* database, int result) {
  const char* name = database ? sqlite3_db_filename(database, "main") : nullptr;
  std::string message = "[index] " + std::string(name ? name : "database") + ": ";
  if ((result & 0xff) == SQLITE_BUSY)
    throw Locked(ErrorCode::io, message + "another process keeps it locked; try again when it is done");
  if (result == SQLITE_IOERR_DATA)
    message += "damaged: a page does not have its checksum; beeld index --check rescues the rest";
  else
    message += database ? sqlite3_errmsg(database) : sqlite3_errstr(result);
  throw Error(code_of(result), message);
}

void check(sqlite3* database, int result) {
  if (result != SQLITE_OK) fail(database, result);
}

// SQLite's URI form, the only way to ask for immutable=1. Every unusual byte is escaped.
std::string uri_of(const std::filesystem::path& file, const char* parameters) {
  static constexpr char digits[] = "0123456789ABCDEF";
  std::string uri = "file:";
  for (const char c : std::filesystem::absolute(file).string()) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') ||
                       (byte >= 'a' && byte <= 'z') || byte == '/' || byte == '.' || byte == '_' ||
                       byte == '-';
    if (plain)
      uri += c;
    else
      uri += {'%', digits[byte >> 4], digits[byte & 15]};
  }
  return uri + parameters;
}

int access_flags(DatabaseAccess access) {
  switch (access) {
    case DatabaseAccess::create:
      return SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    case DatabaseAccess::read_write:
    case DatabaseAccess::unverified:
      return SQLITE_OPEN_READWRITE;
    case DatabaseAccess::read_only:
    case DatabaseAccess::immutable:
      break;
  }
  return SQLITE_OPEN_READONLY;
}

const char* uri_parameters(DatabaseAccess access) {
  if (access == DatabaseAccess::immutable) return "?immutable=1";
  return access == DatabaseAccess::unverified ? "?unverified=1" : "";
}

bool has_pending_log(const std::filesystem::path& file) {
  std::error_code ignored;
  const auto size = std::filesystem::file_size(file.string() + "-wal", ignored);
  return !ignored && size > 0;
}

}  // namespace

void Statement::Finalize::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }

void Statement::bind_one(int index, std::int64_t value) {
  check(sqlite3_db_handle(statement_.get()), sqlite3_bind_int64(statement_.get(), index, value));
}

void Statement::bind_one(int index, std::string_view value) {
  // An empty view may have a null pointer, which SQLite would take for NULL.
  const char* data = value.empty() ? "" : value.data();
  check(sqlite3_db_handle(statement_.get()),
        sqlite3_bind_blob64(statement_.get(), index, data, value.size(), SQLITE_STATIC));
}

void Statement::bind_one(int index, double value) {
  check(sqlite3_db_handle(statement_.get()), sqlite3_bind_double(statement_.get(), index, value));
}

void Statement::bind_one(int index, std::nullopt_t) {
  check(sqlite3_db_handle(statement_.get()), sqlite3_bind_null(statement_.get(), index));
}

bool Statement::step() {
  const int result = sqlite3_step(statement_.get());
  if (result == SQLITE_ROW) return true;
  if (result == SQLITE_DONE) return false;
  fail(sqlite3_db_handle(statement_.get()), result);
}

void Statement::run() {
  while (step()) {
  }
  reset();
}

// The code that sqlite3_reset returns repeats a failure of step(), which has been thrown already.
void Statement::reset() { static_cast<void>(sqlite3_reset(statement_.get())); }

std::int64_t Statement::integer(int column) const { return sqlite3_column_int64(statement_.get(), column); }

double Statement::real(int column) const { return sqlite3_column_double(statement_.get(), column); }

std::string_view Statement::bytes(int column) const {
  const void* data = sqlite3_column_blob(statement_.get(), column);
  const int size = sqlite3_column_bytes(statement_.get(), column);
  return data ? std::string_view(static_cast<const char*>(data), static_cast<std::size_t>(size))
              : std::string_view();
}

bool Statement::is_null(int column) const {
  return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL;
}

void Database::Close::operator()(sqlite3* database) const { sqlite3_close_v2(database); }

Database::Database(const std::filesystem::path& file, DatabaseAccess access)
    : file_(std::filesystem::absolute(file).lexically_normal()) {
  int flags = SQLITE_OPEN_FULLMUTEX | SQLITE_OPEN_URI | SQLITE_OPEN_EXRESCODE;
  flags |= access_flags(access);
  const auto uri = uri_of(file, uri_parameters(access));
  sqlite3* database = nullptr;
  const int result = sqlite3_open_v2(uri.c_str(), &database, flags, checked_pages());
  database_.reset(database);  // to be closed even where opening failed
  if (result != SQLITE_OK) {
    throw Error(code_of(result), "[index] " + file.string() + ": " + sqlite3_errstr(result) +
                                     "; the folder must exist and be readable");
  }
  check(database, sqlite3_busy_timeout(database, busy_milliseconds));
  // A hostile file must not run SQL of its own.
  check(database, sqlite3_db_config(database, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr));
  check(database, sqlite3_db_config(database, SQLITE_DBCONFIG_ENABLE_VIEW, 0, nullptr));
  check(database, sqlite3_db_config(database, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, nullptr));
  check(database, sqlite3_db_config(database, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr));
  check(database, sqlite3_db_config(database, SQLITE_DBCONFIG_ENABLE_FKEY, 1, nullptr));
}

Database Database::open(const std::filesystem::path& file, DatabaseAccess most) {
  std::error_code ignored;
  if (!std::filesystem::exists(file, ignored)) return Database(file, most);
  const bool may_write = ::access(file.c_str(), W_OK) == 0;
  try {
    // A WAL database needs its shared-memory file even for reading; where that can neither be found nor
    // made (a read-only folder, a full disk), this first read fails.
    Database database(file, may_write ? most : DatabaseAccess::read_only);
    database.integer("SELECT count(*) FROM sqlite_schema");
    return database;
  } catch (const Locked&) {
    throw;
  } catch (const Error& error) {
    if (error.code() != ErrorCode::io) throw;
    if (has_pending_log(file)) {
      throw Error(ErrorCode::io,
                  std::string(error.what()) +
                      "; changes wait in its -wal file, which only a folder with room can merge");
    }
  }
  return Database(file, DatabaseAccess::immutable);
}

Statement Database::prepare(const std::string& sql) const {
  sqlite3_stmt* statement = nullptr;
  check(database_.get(),
        sqlite3_prepare_v2(database_.get(), sql.c_str(), static_cast<int>(sql.size()), &statement, nullptr));
  return Statement(statement);
}

void Database::execute(const std::string& sql) const {
  check(database_.get(), sqlite3_exec(database_.get(), sql.c_str(), nullptr, nullptr, nullptr));
}

std::int64_t Database::integer(const std::string& sql) const {
  auto statement = prepare(sql);
  return statement.step() ? statement.integer(0) : 0;
}

std::int64_t Database::changes() const { return sqlite3_changes64(database_.get()); }

void Database::clear() const {
  const auto set = [&](int on) {
    check(database_.get(), sqlite3_db_config(database_.get(), SQLITE_DBCONFIG_RESET_DATABASE, on, nullptr));
  };
  set(1);
  try {
    execute("VACUUM");
  } catch (...) {
    set(0);
    throw;
  }
  set(0);
}

void Database::reserve_checksums() const { beeld::reserve_checksums(database_.get()); }

bool Database::has_checksums() const { return beeld::has_checksums(database_.get()); }

bool Database::writable() const { return sqlite3_db_readonly(database_.get(), "main") == 0; }

Transaction::Transaction(const Database& database, Kind kind) : database_(database) {
  database_.execute(kind == Kind::read ? "BEGIN" : "BEGIN IMMEDIATE");
}

Transaction::~Transaction() {
  if (!open_) return;
  try {
    database_.execute("ROLLBACK");
  } catch (const Error&) {
    // SQLite has rolled back by itself, as it does after a full disk.
  }
}

void Transaction::commit() {
  database_.execute("COMMIT");
  open_ = false;
}

}  // namespace beeld
