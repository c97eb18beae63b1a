// What the fleet's code counts and measures for whoever shows it (docs/metrics.md).
#pragma once

#include <atomic>
#include <cstdint>

#include "absl/strings/string_view.h"
#include "common/duration_histogram.h"
#include "server/fleet/reason_counter.h"

namespace hotplugger::server {

// Why agents of this version refuse a spec (agent/reconcile/spec_keeper.cc), and what counts for
// all else. Prometheus sees no increase in a series that begins above 0, so they are there from the
// start.
inline constexpr absl::string_view kNackReasons[] = {
    "SPEC_INVALID", "SPEC_REVERTED",  "SPEC_QUARANTINED", "BAD_IDENTITY", "FLEET_MISMATCH",
    "STALE_EPOCH",  "EPOCH_MISMATCH", "UNKNOWN",          "OTHER"};

// Safe for concurrent use.
struct FleetCounters {
  std::atomic<int64_t> spec_pushes{0};
  // Specs that nodes refused, by reason.
  ReasonCounter spec_nacks{kNackReasons};
  // Specs that nodes gave up, because no controller was reached, or because their agents died.
  std::atomic<int64_t> spec_reverts{0};
  std::atomic<int64_t> spec_quarantines{0};
  // From the moment when a connected node had a new spec to have until that was handed to its
  // stream; from there until the node accepted or refused it; from the first until it was applied.
  DurationHistogram spec_push_duration{kOperationDurationBounds};
  DurationHistogram spec_ack_duration{kOperationDurationBounds};
  DurationHistogram spec_convergence_duration{kOperationDurationBounds};
  std::atomic<int64_t> policies{0};
  std::atomic<int64_t> holds{0};
  // Holds whose time is over and that are still in force, and how many could not be released.
  std::atomic<int64_t> holds_overdue{0};
  std::atomic<int64_t> hold_lapse_failures{0};
};

}  // namespace hotplugger::server
