// Durable keys with revisions, in the shape of etcd: get, range, compare-and-put.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace hotplugger::server {

struct KeyValue {
  std::string key;
  std::string value;
  // The store's revision at which the key came to be, and at which it was last put.
  int64_t create_revision = 0;
  int64_t mod_revision = 0;
};

// A condition of a transaction.
struct Compare {
  std::string key;
  // Nullopt: the key must be absent.
  std::optional<int64_t> mod_revision;
};

struct Put {
  std::string key;
  std::string value;
};

// All or nothing. A key may be there once among puts and deletes; deleting what is absent is no
// error.
struct Transaction {
  std::vector<Compare> compares;
  std::vector<Put> puts;
  std::vector<std::string> deletes;
};

// Safe for concurrent use. Calls may block on the disk: not for gRPC's threads.
class Store {
 public:
  virtual ~Store() = default;

  // That of the last commit; 0: there was none.
  virtual absl::StatusOr<int64_t> Revision() = 0;

  // Nullopt where the key is absent.
  virtual absl::StatusOr<std::optional<KeyValue>> Get(absl::string_view key) = 0;

  // At most `limit` keys that begin with `prefix` and are greater than `start_after`, in the order
  // of their bytes.
  virtual absl::StatusOr<std::vector<KeyValue>> Range(absl::string_view prefix,
                                                      absl::string_view start_after,
                                                      size_t limit) = 0;

  // Commits and returns the store's new revision, greater than every one before; what it says is
  // committed is durable. ABORTED (reason REVISION_MISMATCH) names the first key whose condition
  // does not hold; INVALID_ARGUMENT (reason BAD_TRANSACTION) a key that is there twice or empty.
  // On any error nothing is changed.
  virtual absl::StatusOr<int64_t> Commit(const Transaction& transaction) = 0;
};

// The checks and errors that every store shares.
absl::Status ValidateTransaction(const Transaction& transaction);
absl::Status RevisionMismatch(const Compare& compare, std::optional<int64_t> found);

}  // namespace hotplugger::server
