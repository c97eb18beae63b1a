// The embedded store: one SQLite file of one controller.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/mutex.h"
#include "server/store/sqlite_database.h"
#include "server/store/store.h"

namespace hotplugger::server {

// Write-ahead log, synced before Commit answers. The file stays locked for this process alone.
// Safe for concurrent use.
class SqliteStore final : public Store {
 public:
  // Opens or creates `path`. A file that is not a controller's (reason STORE_FOREIGN), was written
  // by a newer version (STORE_NEWER), is in use (STORE_LOCKED) or can't be written is left as it
  // is; see sqlite_database.h for further reasons.
  static absl::StatusOr<std::unique_ptr<SqliteStore>> Open(const std::string& path);

  absl::StatusOr<int64_t> Revision() override;
  absl::StatusOr<std::optional<KeyValue>> Get(absl::string_view key) override;
  absl::StatusOr<std::vector<KeyValue>> Range(absl::string_view prefix,
                                              absl::string_view start_after, size_t limit) override;
  absl::StatusOr<int64_t> Commit(const Transaction& transaction) override;

  // Of its files, the write-ahead log among them; -1 where the file system doesn't tell. Waits for
  // none of the store's operations.
  int64_t SizeBytes() const;

 private:
  SqliteStore(std::string path, std::unique_ptr<SqliteDatabase> database)
      : path_(std::move(path)), database_(std::move(database)) {}

  absl::StatusOr<int64_t> RevisionLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::StatusOr<std::optional<KeyValue>> GetLocked(absl::string_view key)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Everything of Commit between BEGIN and COMMIT.
  absl::StatusOr<int64_t> ApplyLocked(const Transaction& transaction)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const std::string path_;
  Mutex mutex_;
  const std::unique_ptr<SqliteDatabase> database_ ABSL_PT_GUARDED_BY(mutex_);
};

}  // namespace hotplugger::server
