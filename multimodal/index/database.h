#pragma once

#include <beeld/error.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace beeld {

/// A prepared SQLite statement. Every return code is checked; failures are thrown as Error.
class Statement {
 public:
  /// Starts the statement again with these parameters, in order. Byte strings are bound as blobs and must
  /// outlive the last step().
  template <class... Values>
  Statement& bind(const Values&... values) {
    reset();
    int index = 0;
    (bind_one(++index, values), ...);
    return *this;
  }

  /// Moves to the next row; false when there is none.
  bool step();

  /// Steps until done: for statements whose rows nobody reads.
  void run();

  /// Ends the statement, and with it the snapshot it reads.
  void reset();

  std::int64_t integer(int column) const;
  double real(int column) const;

  /// Valid until the next step().
  std::string_view bytes(int column) const;

  bool is_null(int column) const;

 private:
  friend class Database;
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };
  explicit Statement(sqlite3_stmt* statement) : statement_(statement) {}
  void bind_one(int index, std::int64_t value);
  void bind_one(int index, std::string_view value);
  void bind_one(int index, double value);
  void bind_one(int index, std::nullopt_t);
  template <class Value>
  void bind_one(int index, const std::optional<Value>& value) {
    if (value)
      bind_one(index, *value);
    else
      bind_one(index, std::nullopt);
  }

  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

/// How a database file was opened.
enum class DatabaseAccess {
  create,      ///< Reading and writing; the file is made where it does not exist.
  read_write,  ///< The same with a file that exists.
  read_only,   ///< Reads what others write.
  immutable,   ///< A file on a medium nobody can write: no locks, no journal.
  unverified,  ///< read_write, for rescuing what a damaged file still holds: its pages are taken as they are.
};

/// A connection to an SQLite file, whose pages are verified as checked_pages.h says.
///
/// Errors: corrupt (not a database, or damaged), io (cannot be opened, read or written, disk full, or locked
/// by another process for longer than half a minute), limit (a value too large, out of memory).
class Database {
 public:
  /// Opens with the most access the file system grants: `most`, which allows writing, else read_only, else
  /// immutable. Reading needs no space on the disk.
  static Database open(const std::filesystem::path& file, DatabaseAccess most = DatabaseAccess::create);

  Database(const std::filesystem::path& file, DatabaseAccess access);

  Statement prepare(const std::string& sql) const;

  /// Runs statements that give no rows.
  void execute(const std::string& sql) const;

  /// The first column of the first row; 0 where there is none.
  std::int64_t integer(const std::string& sql) const;

  /// Rows changed by the last statement.
  std::int64_t changes() const;

  bool writable() const;

  /// As it was given, absolute.
  const std::filesystem::path& file() const { return file_; }

  /// Drops all tables, whatever state they are in.
  void clear() const;

  /// Makes room for the checksums of pages in a database that is empty, or about to be written anew by
  /// VACUUM.
  void reserve_checksums() const;
  bool has_checksums() const;

 private:
  struct Close {
    void operator()(sqlite3* database) const;
  };
  std::filesystem::path file_;
  std::unique_ptr<sqlite3, Close> database_;
};

/// A transaction that is rolled back unless committed.
class Transaction {
 public:
  enum class Kind {
    read,   ///< One snapshot for several statements.
    write,  ///< Waits for other writers at once.
  };
  Transaction(const Database& database, Kind kind);
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;

  void commit();

 private:
  const Database& database_;
  bool open_ = true;
};

}  // namespace beeld
