// A store in memory: the twin of those on disk, with failures on demand.
#pragma once

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/mutex.h"
#include "common/status_macros.h"
#include "server/store/store.h"

namespace hotplugger::testing {

class MemoryStore final : public server::Store {
 public:
  absl::StatusOr<int64_t> Revision() override {
    MutexLock lock(&mutex_);
    return revision_;
  }

  absl::StatusOr<std::optional<server::KeyValue>> Get(absl::string_view key) override {
    MutexLock lock(&mutex_);
    const auto it = entries_.find(std::string(key));
    if (it == entries_.end()) return std::nullopt;
    return it->second;
  }

  absl::StatusOr<std::vector<server::KeyValue>> Range(absl::string_view prefix,
                                                      absl::string_view start_after,
                                                      size_t limit) override {
    MutexLock lock(&mutex_);
    std::vector<server::KeyValue> result;
    for (const auto& [key, entry] : entries_) {
      const bool in_range =
          key.compare(0, prefix.size(), std::string(prefix)) == 0 && key > std::string(start_after);
      if (in_range && result.size() < limit) result.push_back(entry);
    }
    ranged_keys_ += result.size();
    return result;
  }

  absl::StatusOr<int64_t> Commit(const server::Transaction& transaction) override {
    RETURN_IF_ERROR(server::ValidateTransaction(transaction));
    MutexLock lock(&mutex_);
    if (!failure_.ok()) return failure_;
    for (const server::Compare& compare : transaction.compares) {
      const auto it = entries_.find(compare.key);
      std::optional<int64_t> found;
      if (it != entries_.end()) found = it->second.mod_revision;
      if (found != compare.mod_revision) return server::RevisionMismatch(compare, found);
    }
    ++revision_;
    for (const server::Put& put : transaction.puts) {
      server::KeyValue& entry = entries_[put.key];
      if (entry.key.empty()) entry.create_revision = revision_;
      entry.key = put.key;
      entry.value = put.value;
      entry.mod_revision = revision_;
    }
    for (const std::string& key : transaction.deletes) entries_.erase(key);
    return revision_;
  }

  // Every later commit fails with `status`; Ok: none does.
  void FailCommits(absl::Status status) {
    MutexLock lock(&mutex_);
    failure_ = std::move(status);
  }

  // How many keys begin with `prefix`.
  size_t CountKeys(const std::string& prefix) {
    MutexLock lock(&mutex_);
    return static_cast<size_t>(
        std::count_if(entries_.begin(), entries_.end(), [&prefix](const auto& entry) {
          return entry.first.compare(0, prefix.size(), prefix) == 0;
        }));
  }

  // How many keys Range has given in all.
  size_t ranged_keys() {
    MutexLock lock(&mutex_);
    return ranged_keys_;
  }

  // How many commits succeeded.
  int64_t commits() {
    MutexLock lock(&mutex_);
    return revision_;
  }

 private:
  Mutex mutex_;
  absl::Status failure_ ABSL_GUARDED_BY(mutex_);
  int64_t revision_ ABSL_GUARDED_BY(mutex_) = 0;
  size_t ranged_keys_ ABSL_GUARDED_BY(mutex_) = 0;
  std::map<std::string, server::KeyValue> entries_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace hotplugger::testing
