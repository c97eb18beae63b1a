// One WatchAuditEntries call.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "hotplugger/v1/audit_service.pb.h"
#include "server/api/watches.h"
#include "server/audit/audit_feed.h"

namespace hotplugger::server {

// Holds one page of entries; the next is read from the store when that is written.
class AuditWatch final : public WatchStream<v1::WatchAuditEntriesResponse>,
                         public std::enable_shared_from_this<AuditWatch> {
 public:
  // Begins, or ends at once with what is wrong. All parts outlive the call.
  static AuditWatch* Start(const v1::WatchAuditEntriesRequest& request, AuditFeed* feed,
                           Watches* watches);

  void Changed() override;

 private:
  AuditWatch(AuditFeed* feed, Watches* watches) : WatchStream(watches), feed_(feed) {}

  absl::Status Read(const v1::WatchAuditEntriesRequest& request);
  Next NextLocked(v1::WatchAuditEntriesResponse* response) override
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void ReadPageLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void TakePage(absl::StatusOr<AuditFeed::Page> page);

  AuditFeed* const feed_;
  v1::AuditFilter filter_;

  // All up to this sequence has been looked at.
  int64_t after_ ABSL_GUARDED_BY(mutex_) = 0;
  // There may be entries after it.
  bool more_ ABSL_GUARDED_BY(mutex_) = true;
  bool reading_ ABSL_GUARDED_BY(mutex_) = false;
  std::deque<AuditFeed::Found> page_ ABSL_GUARDED_BY(mutex_);
  // After those of the page, and before the next one to come.
  int64_t missed_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace hotplugger::server
