// The CPUs of the host, as the kernel shows them now.
#pragma once

#include <map>

#include "absl/status/statusor.h"
#include "agent/devices/sysfs.h"
#include "common/cpu_list.h"

namespace hotplugger::agent {

// One present CPU.
struct Cpu {
  // By the global mask: cpuN/online can be stale (kernel 0, fact 6).
  bool online = false;
  // Whether cpuN/online exists; its absence is the normal sign of a CPU that must stay
  // (kernel 2.4).
  bool hotpluggable = false;
};

// Present CPUs by number.
using CpuInventory = std::map<int, Cpu>;

// Reads masks and `online` files below devices/system/cpu.
absl::StatusOr<CpuInventory> ReadCpus(const Sysfs& sysfs);

// What cpuN/online itself says; NOT_FOUND where there is none.
absl::StatusOr<bool> ReadCpuOnlineFile(const Sysfs& sysfs, int cpu);

CpuSet OnlineCpus(const CpuInventory& cpus);
CpuSet PresentCpus(const CpuInventory& cpus);

}  // namespace hotplugger::agent
