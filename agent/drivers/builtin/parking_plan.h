// Which core a driver of the agent's own parks next: pure.
#pragma once

#include <vector>

#include "agent/drivers/builtin/settings.h"
#include "agent/drivers/cpu_control.h"
#include "common/cpu_list.h"

namespace hotplugger::agent {

// The CPUs online of the core that goes next, in the order of victims.h: whole cores, of each
// package one core last. Cores with a CPU that can't go offline, or whose state somebody has
// decided, are left out. Empty where there is none, or where the settings' floors (`parked` counts
// against the largest share) don't let it go.
CpuSet NextCoreToPark(const CpuControl::View& view, const CpuSet& parked,
                      const ParkingSettings& settings);

// `parked` by cores, the one that was parked last first to wake: the reverse of that order.
std::vector<CpuSet> CoresToWake(const CpuControl::View& view, const CpuSet& parked);

}  // namespace hotplugger::agent
