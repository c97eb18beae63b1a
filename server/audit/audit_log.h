// The log of changes that were asked for, kept by age and size.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/clock.h"
#include "hotplugger/v1/audit.pb.h"
#include "hotplugger/v1/audit_service.pb.h"
#include "server/audit/audit_feed.h"
#include "server/store/records.h"

namespace hotplugger::server {

struct AuditBudget {
  size_t max_entries;
  size_t max_bytes;
};

// Past any of these the oldest entries go. What was refused has a budget of its own, so that nobody
// can push changes out of the log with requests that are refused.
struct AuditLimits {
  absl::Duration max_age = absl::Hours(90 * 24);
  AuditBudget changes = {80'000, 48 * 1024 * 1024};
  AuditBudget refusals = {20'000, 16 * 1024 * 1024};
};

// Not safe for concurrent use: the engine's thread owns it. Calls block on the disk.
class AuditLog {
 public:
  // An entry's texts are cut to so many bytes each.
  static constexpr size_t kMaxText = 4096;

  // All outlive this. `feed` hears of every entry; null: nobody does.
  AuditLog(Records* records, Clock* clock, AuditLimits limits = {}, AuditFeed* feed = nullptr)
      : records_(records),
        clock_(clock),
        max_age_(limits.max_age),
        feed_(feed),
        changes_{.budget = limits.changes},
        refusals_{.budget = limits.refusals} {}

  // Reads what there is. Once, before all else.
  absl::Status Load();

  // Adds `entry`, with its sequence and time, to a change that is about to be committed, and the
  // removal of what is past a limit. Committed follows if it was; else nothing has happened.
  void Stage(v1::AuditEntry entry, RecordBatch* batch);
  void Committed();

  // Stage, commit and Committed, for what changes nothing else.
  absl::Status Append(v1::AuditEntry entry);

  // The latest first, before the entry of sequence `before` (nothing: the latest of all): at most
  // `limit` that meet `filter`. `next` becomes where to go on, nothing at the end.
  absl::StatusOr<std::vector<v1::AuditEntry>> List(const v1::AuditFilter& filter,
                                                   std::optional<int64_t> before, size_t limit,
                                                   std::optional<int64_t>* next);

 private:
  // What is kept in memory of an entry.
  struct Kept {
    int64_t sequence;
    absl::Time time;
    size_t bytes;
  };
  // The entries of one budget, the oldest first.
  struct Shelf {
    AuditBudget budget;
    std::deque<Kept> kept = {};
    size_t bytes = 0;
    // So many of the oldest go with the staged entry.
    size_t staged_removals = 0;

    void Add(const Kept& entry);
    void RemoveStaged();
  };

  Shelf* ShelfOf(const v1::AuditEntry& entry);
  // Removes of the shelf what is past a limit once `coming` bytes more are on it; 0: none come.
  void StageRemovals(size_t coming, size_t* removals, Shelf* shelf, RecordBatch* batch) const;
  // Where the last `count` entries before `end` begin; `end` where there are none.
  int64_t PageBegin(int64_t end, size_t count) const;

  Records* const records_;
  Clock* const clock_;
  const absl::Duration max_age_;
  AuditFeed* const feed_;
  Shelf changes_;
  Shelf refusals_;
  std::optional<Kept> staged_;
  Shelf* staged_on_ = nullptr;
  int64_t last_sequence_ = 0;
};

// Whether an entry is of a request that was refused: it has an error, and says nothing of what was
// done. A change that did not succeed everywhere has both.
bool IsRefusal(const v1::AuditEntry& entry);

}  // namespace hotplugger::server
