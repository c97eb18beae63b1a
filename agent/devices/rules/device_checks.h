// The checks of device_plan.h with totals of the same snapshot, for who plans many changes in a
// row.
#pragma once

#include "agent/devices/rules/device_plan.h"
#include "agent/devices/rules/limit_totals.h"

namespace hotplugger::agent {

PlannedChange CheckCpuChange(const DeviceChange& change, const CpuSnapshot& cpus,
                             const CpuTotals& totals, const SafetyLimits& limits);
PlannedChange CheckMemoryChange(const DeviceChange& change, const MemorySnapshot& memory,
                                const MemoryTotals& totals, const SafetyLimits& limits);

// A change that is refused, and one of a device that isn't there: `what_is` ends the message.
PlannedChange RefusedChange(const DeviceChange& change, absl::Status why);
PlannedChange AbsentDevice(const DeviceChange& change, absl::string_view what_is);

}  // namespace hotplugger::agent
