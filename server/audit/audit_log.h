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
#include "server/store/records.h"

namespace hotplugger::server {

// Past any of these the oldest entries go.
struct AuditLimits {
  absl::Duration max_age = absl::Hours(90 * 24);
  size_t max_entries = 100'000;
  size_t max_bytes = 64 * 1024 * 1024;
};

// Not safe for concurrent use: the engine's thread owns it. Calls block on the disk.
class AuditLog {
 public:
  // An entry's texts are cut to so many bytes each.
  static constexpr size_t kMaxText = 4096;

  // `records` and `clock` outlive this.
  AuditLog(Records* records, Clock* clock, AuditLimits limits = {})
      : records_(records), clock_(clock), limits_(limits) {}

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

  Records* const records_;
  Clock* const clock_;
  const AuditLimits limits_;
  // The oldest first.
  std::deque<Kept> kept_;
  size_t bytes_ = 0;
  // Of the entry that is staged, and how many of the oldest go with it.
  std::optional<Kept> staged_;
  size_t staged_removals_ = 0;
  int64_t last_sequence_ = 0;
};

// Whether all of the filter's conditions hold.
bool MeetsFilter(const v1::AuditEntry& entry, const v1::AuditFilter& filter);

}  // namespace hotplugger::server
