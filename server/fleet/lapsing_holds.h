// Holds that lapse by themselves.
#pragma once

#include <cstddef>
#include <set>

#include "absl/status/status.h"
#include "server/fleet/change_log.h"
#include "server/fleet/fleet_counters.h"
#include "server/fleet/fleet_state.h"
#include "server/fleet/hold_operations.h"

namespace hotplugger::server {

// On the engine's thread alone.
class LapsingHolds {
 public:
  // Holds that are tried at a beat, each a transaction: others wait meanwhile.
  static constexpr size_t kMaxTried = 64;

  // All outlive this.
  LapsingHolds(FleetState* state, ChangeLog* changes, HoldOperations* holds,
               FleetCounters* counters)
      : state_(state), changes_(changes), holds_(holds), counters_(counters) {}

  // Releases holds whose time is over. Those that can't be released are tried again in turn with
  // the others, so that they stand in nobody's way.
  void Beat();

 private:
  void NoteFailed(const HoldKey& key, const absl::Status& why);

  FleetState* const state_;
  ChangeLog* const changes_;
  HoldOperations* const holds_;
  FleetCounters* const counters_;
  HoldKey last_tried_;
  // Of these it has been told that they can't be released.
  std::set<HoldKey> told_;
};

}  // namespace hotplugger::server
