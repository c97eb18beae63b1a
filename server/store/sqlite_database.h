// SQLite's C interface as owned objects and Status.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace hotplugger::server {

// An open database file. Not safe for concurrent use.
class SqliteDatabase {
 public:
  // Opens or creates `path` and changes nothing in it yet.
  static absl::StatusOr<std::unique_ptr<SqliteDatabase>> Open(const std::string& path);

  ~SqliteDatabase();
  SqliteDatabase(const SqliteDatabase&) = delete;
  SqliteDatabase& operator=(const SqliteDatabase&) = delete;

  // Runs statements that answer nothing.
  absl::Status Execute(const char* sql);

  // The one number that `sql` answers.
  absl::StatusOr<int64_t> QueryNumber(const char* sql);

  // The last error, with what was tried. Reasons: STORE_FULL, STORE_LOCKED, STORE_READ_ONLY,
  // STORE_FOREIGN, STORE_CORRUPT, STORE_UNREADABLE or STORE_FAILED.
  absl::Status Error(absl::string_view action);

  sqlite3* handle() { return handle_; }

 private:
  SqliteDatabase(std::string path, sqlite3* handle) : path_(std::move(path)), handle_(handle) {}

  const std::string path_;
  sqlite3* const handle_;
};

// A prepared statement.
class SqliteStatement {
 public:
  static absl::StatusOr<SqliteStatement> Prepare(SqliteDatabase* database, const char* sql);

  // Bind the parameter `index`, from 1. `bytes` must stay until Reset.
  SqliteStatement& Bind(int index, absl::string_view bytes);
  SqliteStatement& Bind(int index, int64_t number);

  // Whether there is a (further) row.
  absl::StatusOr<bool> Step();
  // Runs a statement that answers no rows, and resets it.
  absl::Status Run();
  void Reset();

  // The columns of the row, from 0.
  std::string Bytes(int column);
  int64_t Number(int column);

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };
  SqliteStatement(SqliteDatabase* database, sqlite3_stmt* statement)
      : database_(database), statement_(statement) {}

  SqliteDatabase* database_;
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

}  // namespace hotplugger::server
