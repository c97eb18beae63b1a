// One WatchFleet call.
#pragma once

#include <cstdint>
#include <set>

#include "absl/status/status.h"
#include "hotplugger/v1/watch_service.pb.h"
#include "server/api/watches.h"
#include "server/fleet/change_feed.h"
#include "server/fleet/node_registry.h"

namespace hotplugger::server {

// What comes after an answer is what the feed has when that is written.
class FleetWatch final : public WatchStream<v1::WatchFleetResponse> {
 public:
  // Begins, or ends at once with what is wrong. All parts outlive the call.
  static FleetWatch* Start(const v1::WatchFleetRequest& request, ChangeFeed* feed,
                           NodeRegistry* registry, uint64_t epoch, Watches* watches);

 private:
  FleetWatch(ChangeFeed* feed, NodeRegistry* registry, uint64_t epoch, Watches* watches)
      : WatchStream(watches), feed_(feed), registry_(registry), epoch_(epoch) {}

  absl::Status Read(const v1::WatchFleetRequest& request);
  Next NextLocked(v1::WatchFleetResponse* response) override ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool FillChange(const ChangeFeed::Change& change, v1::WatchFleetResponse* response) const;

  ChangeFeed* const feed_;
  NodeRegistry* const registry_;
  const uint64_t epoch_;
  // Set before the stream begins.
  std::set<ChangeFeed::Kind> kinds_;
  bool summary_only_ = false;
  // Up to here the beginning goes.
  int64_t begin_version_ = 0;

  // All up to this version has been written.
  int64_t version_ ABSL_GUARDED_BY(mutex_) = 0;
  bool reset_ ABSL_GUARDED_BY(mutex_) = false;
  bool synced_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace hotplugger::server
