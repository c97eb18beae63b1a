#include "server/store/sqlite_database.h"

#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/errno_status.h"
#include "common/error_info.h"
#include "common/status_macros.h"

namespace hotplugger::server {
namespace {

// How long a statement waits for another process to let go of the file, e.g. a controller that is
// just ending.
constexpr int kBusyTimeoutMs = 2000;

struct ErrorRow {
  int primary_code;
  absl::StatusCode code;
  const char* reason;
  const char* fix;
};

constexpr ErrorRow kErrorTable[] = {
    {SQLITE_FULL, absl::StatusCode::kResourceExhausted, "STORE_FULL",
     "free space on its file system, then try again"},
    {SQLITE_BUSY, absl::StatusCode::kFailedPrecondition, "STORE_LOCKED",
     "another controller has this file open; stop it, or give this one a file of its own"},
    {SQLITE_LOCKED, absl::StatusCode::kFailedPrecondition, "STORE_LOCKED",
     "another controller has this file open; stop it, or give this one a file of its own"},
    {SQLITE_READONLY, absl::StatusCode::kPermissionDenied, "STORE_READ_ONLY",
     "make the file and its directory writable for the controller's user"},
    {SQLITE_PERM, absl::StatusCode::kPermissionDenied, "STORE_READ_ONLY",
     "make the file and its directory writable for the controller's user"},
    {SQLITE_NOTADB, absl::StatusCode::kFailedPrecondition, "STORE_FOREIGN",
     "the file is no store of a controller; give another path"},
    {SQLITE_CORRUPT, absl::StatusCode::kDataLoss, "STORE_CORRUPT",
     "restore the file from a backup"},
    {SQLITE_CANTOPEN, absl::StatusCode::kFailedPrecondition, "STORE_UNREADABLE",
     "its directory must exist and be writable for the controller's user"},
};

}  // namespace

absl::StatusOr<std::unique_ptr<SqliteDatabase>> SqliteDatabase::Open(const std::string& path) {
  sqlite3* handle = nullptr;
  const int result = sqlite3_open_v2(
      path.c_str(), &handle,
      SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
      nullptr);
  if (handle == nullptr) {
    return MakeError(absl::StatusCode::kResourceExhausted, "STORE_FAILED",
                     absl::StrCat("opening the store ", path, ": out of memory"));
  }
  // The handle must be closed even where opening failed.
  std::unique_ptr<SqliteDatabase> database(new SqliteDatabase(path, handle));
  if (result != SQLITE_OK) return database->Error("opening");
  sqlite3_busy_timeout(handle, kBusyTimeoutMs);
  return database;
}

SqliteDatabase::~SqliteDatabase() { sqlite3_close_v2(handle_); }

absl::Status SqliteDatabase::Execute(const char* sql) {
  if (sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr) == SQLITE_OK) return absl::OkStatus();
  return Error(absl::StrCat("running \"", sql, "\" on"));
}

absl::StatusOr<int64_t> SqliteDatabase::QueryNumber(const char* sql) {
  ASSIGN_OR_RETURN(SqliteStatement statement, SqliteStatement::Prepare(this, sql));
  ASSIGN_OR_RETURN(const bool row, statement.Step());
  if (!row) {
    return MakeError(absl::StatusCode::kDataLoss, "STORE_CORRUPT",
                     absl::StrCat("the store ", path_, " has no answer to \"", sql,
                                  "\"; restore the file from a backup"));
  }
  return statement.Number(0);
}

absl::Status SqliteDatabase::Error(absl::string_view action) {
  const int extended = sqlite3_extended_errcode(handle_);
  const int system_error = sqlite3_system_errno(handle_);
  const char* text = sqlite3_errmsg(handle_);
  absl::StatusCode code = absl::StatusCode::kInternal;
  const char* reason = "STORE_FAILED";
  const char* fix = "see the file system's and the kernel's log";
  for (const ErrorRow& row : kErrorTable) {
    if (row.primary_code != (extended & 0xff)) continue;
    code = row.code;
    reason = row.reason;
    fix = row.fix;
  }
  std::string message = absl::StrCat(action, " the store ", path_, ": ", text);
  ErrorMetadata metadata = {{"path", path_}, {"sqlite_code", absl::StrCat(extended)}};
  if ((extended & 0xff) == SQLITE_CANTOPEN && system_error != 0) {
    absl::StrAppend(&message, " (", ErrnoName(system_error), ")");
    metadata.emplace_back("errno", ErrnoName(system_error));
  }
  return MakeError(code, reason, absl::StrCat(message, "; ", fix), metadata);
}

absl::StatusOr<SqliteStatement> SqliteStatement::Prepare(SqliteDatabase* database,
                                                         const char* sql) {
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v2(database->handle(), sql, -1, &statement, nullptr) != SQLITE_OK) {
    return database->Error("reading");
  }
  return SqliteStatement(database, statement);
}

SqliteStatement& SqliteStatement::Bind(int index, absl::string_view bytes) {
  // An empty blob needs a pointer, or it is bound as NULL.
  sqlite3_bind_blob64(statement_.get(), index, bytes.empty() ? "" : bytes.data(), bytes.size(),
                      SQLITE_STATIC);
  return *this;
}

SqliteStatement& SqliteStatement::Bind(int index, int64_t number) {
  sqlite3_bind_int64(statement_.get(), index, number);
  return *this;
}

absl::StatusOr<bool> SqliteStatement::Step() {
  const int result = sqlite3_step(statement_.get());
  if (result == SQLITE_ROW) return true;
  if (result == SQLITE_DONE) return false;
  absl::Status error = database_->Error("using");
  Reset();
  return error;
}

absl::Status SqliteStatement::Run() {
  const absl::Status status = Step().status();
  Reset();
  return status;
}

void SqliteStatement::Reset() {
  sqlite3_reset(statement_.get());
  sqlite3_clear_bindings(statement_.get());
}

std::string SqliteStatement::Bytes(int column) {
  const void* data = sqlite3_column_blob(statement_.get(), column);
  const int size = sqlite3_column_bytes(statement_.get(), column);
  return data == nullptr ? std::string()
                         : std::string(static_cast<const char*>(data), static_cast<size_t>(size));
}

int64_t SqliteStatement::Number(int column) {
  return sqlite3_column_int64(statement_.get(), column);
}

}  // namespace hotplugger::server
