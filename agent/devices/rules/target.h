// What a DeviceTarget means on this host: pure.
#pragma once

#include "absl/status/statusor.h"
#include "agent/devices/inventory/snapshot.h"
#include "agent/devices/rules/device_change.h"
#include "hotplugger/v1/device.pb.h"

namespace hotplugger::agent {

// The most devices that one operation may name.
inline constexpr int kMaxTargetDevices = 65'536;

// The changes that a target means, in the order in which they are to be done: offline the secondary
// threads first, the highest numbers first; online the other way round. INVALID_ARGUMENT with every
// wrong field at once (paths from "target"): lists, ranges off block boundaries, an empty target, a
// zone for devices that have none (contract 27). NOT_FOUND for a node that has no memory;
// FAILED_PRECONDITION for a count or an amount that isn't there, a core whose place is not known,
// and memory of a kernel that has no memory hotplug. Devices of a list that aren't there stay in
// it: each gets a result of its own.
absl::StatusOr<DeviceChanges> ResolveTarget(const v1::DeviceTarget& target, bool online,
                                            v1::MemoryZone zone, const Snapshot& snapshot);

// Whether `target` names memory: only then does it matter to a change what memory there is.
bool IsMemoryTarget(const v1::DeviceTarget& target);

}  // namespace hotplugger::agent
