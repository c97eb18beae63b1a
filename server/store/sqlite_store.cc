#include "server/store/sqlite_store.h"

#include <sys/stat.h>

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "common/error_info.h"
#include "common/status_macros.h"

namespace hotplugger::server {
namespace {

// "HPLG"; marks the file as ours.
constexpr int64_t kApplicationId = 0x48504c47;
constexpr int64_t kSchemaVersion = 1;

constexpr char kCreateSchema[] =
    "PRAGMA application_id = 1213221959;"
    "PRAGMA user_version = 1;"
    "CREATE TABLE entries ("
    "  key BLOB PRIMARY KEY NOT NULL, value BLOB NOT NULL,"
    "  create_revision INTEGER NOT NULL, mod_revision INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE revisions (id INTEGER PRIMARY KEY CHECK (id = 1), last INTEGER NOT NULL);"
    "INSERT INTO revisions VALUES (1, 0);";
static_assert(kApplicationId == 1213221959 && kSchemaVersion == 1, "as written above");

// Whether the file is new. An error unless it is either that or a store of ours.
absl::StatusOr<bool> CheckIdentity(SqliteDatabase* database, const std::string& path) {
  ASSIGN_OR_RETURN(const int64_t application, database->QueryNumber("PRAGMA application_id"));
  ASSIGN_OR_RETURN(const int64_t version, database->QueryNumber("PRAGMA user_version"));
  ASSIGN_OR_RETURN(const int64_t objects,
                   database->QueryNumber("SELECT count(*) FROM sqlite_master"));
  if (application == 0 && version == 0 && objects == 0) return true;
  if (application != kApplicationId) {
    return MakeError(absl::StatusCode::kFailedPrecondition, "STORE_FOREIGN",
                     absl::StrCat(path,
                                  " is a SQLite file of another program; give --store "
                                  "another path. Nothing was changed in it"),
                     {{"path", path}});
  }
  if (version > kSchemaVersion) {
    return MakeError(
        absl::StatusCode::kFailedPrecondition, "STORE_NEWER",
        absl::StrCat(path, " was written by a newer controller (schema ", version,
                     "; this one knows ", kSchemaVersion,
                     "); run that version, or restore a backup. Nothing was changed in it"),
        {{"path", path}});
  }
  return false;
}

// The least string that is greater than every one with this prefix; "" where there is none.
std::string EndOfPrefix(absl::string_view prefix) {
  std::string end(prefix);
  while (!end.empty()) {
    const auto last = static_cast<unsigned char>(end.back());
    if (last < 0xff) {
      end.back() = static_cast<char>(last + 1);
      return end;
    }
    end.pop_back();
  }
  return end;
}

}  // namespace

absl::StatusOr<std::unique_ptr<SqliteStore>> SqliteStore::Open(const std::string& path) {
  ASSIGN_OR_RETURN(std::unique_ptr<SqliteDatabase> database, SqliteDatabase::Open(path));
  // Until it is known to be ours, not even closing may tidy up in the file.
  sqlite3_db_config(database->handle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  RETURN_IF_ERROR(database->Execute("PRAGMA locking_mode = EXCLUSIVE"));
  ASSIGN_OR_RETURN(const bool is_new, CheckIdentity(database.get(), path));
  // The lock is taken here and kept until the file is closed.
  RETURN_IF_ERROR(database->Execute("BEGIN EXCLUSIVE"));
  if (is_new) RETURN_IF_ERROR(database->Execute(kCreateSchema));
  RETURN_IF_ERROR(database->Execute("COMMIT"));
  RETURN_IF_ERROR(database->Execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL"));
  sqlite3_db_config(database->handle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, nullptr);
  return std::unique_ptr<SqliteStore>(new SqliteStore(path, std::move(database)));
}

int64_t SqliteStore::SizeBytes() const {
  int64_t size = 0;
  for (const char* suffix : {"", "-wal"}) {
    struct stat file = {};
    if (stat(absl::StrCat(path_, suffix).c_str(), &file) == 0) {
      size += file.st_size;
    } else if (errno != ENOENT) {
      return -1;
    }
  }
  return size;
}

absl::StatusOr<int64_t> SqliteStore::Revision() {
  MutexLock lock(&mutex_);
  return RevisionLocked();
}

absl::StatusOr<int64_t> SqliteStore::RevisionLocked() {
  return database_->QueryNumber("SELECT last FROM revisions WHERE id = 1");
}

absl::StatusOr<std::optional<KeyValue>> SqliteStore::Get(absl::string_view key) {
  MutexLock lock(&mutex_);
  return GetLocked(key);
}

absl::StatusOr<std::optional<KeyValue>> SqliteStore::GetLocked(absl::string_view key) {
  ASSIGN_OR_RETURN(SqliteStatement statement,
                   SqliteStatement::Prepare(
                       database_.get(),
                       "SELECT value, create_revision, mod_revision FROM entries WHERE key = ?1"));
  ASSIGN_OR_RETURN(const bool found, statement.Bind(1, key).Step());
  if (!found) return std::nullopt;
  return KeyValue{std::string(key), statement.Bytes(0), statement.Number(1), statement.Number(2)};
}

absl::StatusOr<std::vector<KeyValue>> SqliteStore::Range(absl::string_view prefix,
                                                         absl::string_view start_after,
                                                         size_t limit) {
  MutexLock lock(&mutex_);
  ASSIGN_OR_RETURN(
      SqliteStatement statement,
      SqliteStatement::Prepare(database_.get(),
                               "SELECT key, value, create_revision, mod_revision FROM entries "
                               "WHERE key >= ?1 AND key > ?2 AND (?3 = x'' OR key < ?3) "
                               "ORDER BY key LIMIT ?4"));
  const std::string end = EndOfPrefix(prefix);
  statement.Bind(1, prefix).Bind(2, start_after).Bind(3, end).Bind(4, static_cast<int64_t>(limit));
  std::vector<KeyValue> result;
  for (;;) {
    ASSIGN_OR_RETURN(const bool found, statement.Step());
    if (!found) return result;
    result.push_back(
        {statement.Bytes(0), statement.Bytes(1), statement.Number(2), statement.Number(3)});
  }
}

absl::StatusOr<int64_t> SqliteStore::Commit(const Transaction& transaction) {
  RETURN_IF_ERROR(ValidateTransaction(transaction));
  MutexLock lock(&mutex_);
  RETURN_IF_ERROR(database_->Execute("BEGIN IMMEDIATE"));
  absl::StatusOr<int64_t> revision = ApplyLocked(transaction);
  if (revision.ok()) {
    const absl::Status committed = database_->Execute("COMMIT");
    if (committed.ok()) return revision;
    revision = committed;
  }
  // Some errors roll back by themselves; a second time would be an error of its own.
  if (sqlite3_get_autocommit(database_->handle()) == 0) {
    const absl::Status undone = database_->Execute("ROLLBACK");
    if (!undone.ok()) return undone;
  }
  return revision;
}

absl::StatusOr<int64_t> SqliteStore::ApplyLocked(const Transaction& transaction) {
  for (const Compare& compare : transaction.compares) {
    ASSIGN_OR_RETURN(const std::optional<KeyValue> found, GetLocked(compare.key));
    const std::optional<int64_t> revision =
        found ? std::optional<int64_t>(found->mod_revision) : std::nullopt;
    if (revision != compare.mod_revision) return RevisionMismatch(compare, revision);
  }
  RETURN_IF_ERROR(database_->Execute("UPDATE revisions SET last = last + 1"));
  ASSIGN_OR_RETURN(const int64_t revision, RevisionLocked());
  ASSIGN_OR_RETURN(
      SqliteStatement put,
      SqliteStatement::Prepare(database_.get(),
                               "INSERT INTO entries VALUES (?1, ?2, ?3, ?3) ON CONFLICT (key) "
                               "DO UPDATE SET value = ?2, mod_revision = ?3"));
  for (const Put& item : transaction.puts) {
    RETURN_IF_ERROR(put.Bind(1, item.key).Bind(2, item.value).Bind(3, revision).Run());
  }
  ASSIGN_OR_RETURN(SqliteStatement remove,
                   SqliteStatement::Prepare(database_.get(), "DELETE FROM entries WHERE key = ?1"));
  for (const std::string& key : transaction.deletes) {
    RETURN_IF_ERROR(remove.Bind(1, key).Run());
  }
  return revision;
}

}  // namespace hotplugger::server
