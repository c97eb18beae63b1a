// The host's own limits. No message from a controller loosens them.
#pragma once

#include "absl/status/status.h"
#include "agent/devices/cpu.h"

namespace hotplugger::agent {

struct SafetyLimits {
  // So many CPUs stay online whatever anybody asks; at least 1, as the kernel has it.
  int min_online_cpus = 1;
};

// FAILED_PRECONDITION, naming the limit and its value, if taking `cpu` offline would pass a limit.
absl::Status CheckCpuOffline(const SafetyLimits& limits, const CpuInventory& cpus, int cpu);

}  // namespace hotplugger::agent
