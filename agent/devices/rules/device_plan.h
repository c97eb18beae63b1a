// What wanted changes would come to: pure.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "agent/devices/inventory/snapshot.h"
#include "agent/devices/rules/device_change.h"
#include "agent/devices/rules/safety_limits.h"
#include "hotplugger/v1/device.pb.h"

namespace hotplugger::agent {

// One change and what it would come to.
struct PlannedChange {
  DeviceChange change;
  // CHANGED, ALREADY or REFUSED.
  v1::Outcome outcome = v1::OUTCOME_UNSPECIFIED;
  // Why it is refused: a limit, NOT_HOTPLUGGABLE, DEVICE_NOT_FOUND, SMT_OFF, ...
  absl::Status refusal;
};

struct ChangePlan {
  std::vector<PlannedChange> steps;
  v1::Capacity before;
  // If every step that is not refused succeeds.
  v1::Capacity after;
  std::vector<std::string> notes;
};

// Each change as if those before it had succeeded, so that a limit stops the one that passes it.
ChangePlan PlanChanges(const DeviceChanges& changes, const Snapshot& snapshot,
                       const SafetyLimits& limits);

// The same of SMT: the CPUs that come or go with it, each a step; `held_offline` stay offline.
// INVALID_ARGUMENT, FAILED_PRECONDITION (SMT_NOT_SUPPORTED, SMT_FORCED_OFF, a limit) as a whole.
absl::StatusOr<ChangePlan> PlanSmt(const SmtChange& change, const CpuSet& held_offline,
                                   const Snapshot& snapshot, const SafetyLimits& limits);

// Whether one change is to be written at all: what PlanChanges says of it, from the parts of the
// snapshot that concern it. Used again right before each write.
PlannedChange CheckCpuChange(const DeviceChange& change, const CpuSnapshot& cpus,
                             const SafetyLimits& limits);
PlannedChange CheckMemoryChange(const DeviceChange& change, const MemorySnapshot& memory,
                                const SafetyLimits& limits);
PlannedChange CheckGenericChange(const DeviceChange& change, const GenericDevice& device,
                                 const SafetyLimits& limits);

}  // namespace hotplugger::agent
