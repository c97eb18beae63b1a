// Several changes as one: two passes, and all or nothing where asked.
#pragma once

#include <functional>
#include <vector>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "agent/devices/operations/device_operator.h"
#include "agent/devices/rules/device_change.h"
#include "hotplugger/v1/device.pb.h"

namespace hotplugger::agent {

struct GroupOptions {
  v1::GroupMode mode = v1::GROUP_MODE_BEST_EFFORT;
  // Of each device.
  absl::Duration deadline = OperationOptions::kDefaultDeadline;
  // Who wants it so.
  OperationOrigin origin = OperationOrigin::kDecision;
  // Whether to stop early: the agent is stopping. Asked before each step.
  std::function<bool()> stopped = [] { return false; };
};

// Tries each change in order, then once more those that failed and may succeed by now (TRANSIENT
// and CONDITIONAL): one device's going can free another (kernel 1.4). After STUCK, and after the
// first ENOSPC of a CPU (kernel 8, row 9), the rest is SKIPPED. ALL_OR_NOTHING: the first failure
// that a second try can't mend, or that it did not, undoes in reverse order what was done (UNDONE)
// and skips the rest; a device whose own act failed is looked at too, for it may have changed all
// the same. One result a change, in the order of `changes`.
std::vector<v1::ItemResult> RunGroup(DeviceOperator& devices, const DeviceChanges& changes,
                                     const GroupOptions& options);

// What an agent does first: writes down how each unfinished operation ended by what the device
// shows, and puts unfinished all-or-nothing groups back. A block that is still going offline is
// waited for, by at most kMaxPauses calls of `pause`: the dead agent's writer is being stopped, and
// the kernel is about to put the block back. A line a device, for the log.
inline constexpr int kMaxPauses = 100;
std::vector<v1::ItemResult> RecoverJournal(
    DeviceOperator& devices,
    const std::function<void()>& pause = [] { absl::SleepFor(absl::Milliseconds(50)); });

}  // namespace hotplugger::agent
