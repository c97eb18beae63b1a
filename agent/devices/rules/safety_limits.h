// The host's own limits. No message from a controller loosens them. Checks are pure functions: the
// state before a change, the change, the answer.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "agent/devices/inventory/snapshot.h"
#include "agent/devices/rules/device_change.h"

namespace hotplugger::agent {

// From the file agent.yaml, whose keys they are (docs/agent-config.md).
struct CpuLimits {
  // So many CPUs stay online; at least 1.
  int min_online = 2;
  // So large a share of the CPUs present stays online, in percent, rounded up. A quarter, since SMT
  // off alone takes half.
  int min_online_percent = 25;
  // So many CPUs of each NUMA node that has any online; 0 allows to empty a node.
  int min_online_per_node = 1;
  // The same of each package.
  int min_online_per_package = 0;
  // So many CPUs that are neither isolated nor nohz_full; at least 1.
  int min_housekeeping = 1;
  // Whether CPUs of cpuset partitions and of kubelet's static allocations may be taken.
  bool allow_exclusive = false;
};

struct MemoryLimits {
  // So much memory stays online.
  uint64_t min_online_bytes = 0;
  // So large a share of all blocks present, in percent.
  int min_online_percent = 50;
  // So much stays online of each NUMA node that has any.
  uint64_t min_online_bytes_per_node = 0;
  // MemAvailable after the block is gone, in bytes and as a share of the memory that stays.
  uint64_t min_available_bytes = uint64_t{256} << 20;
  int min_available_percent = 10;
  // Movable memory to kernel memory, in percent: 300 is 3 to 1 (kernel 3.3).
  int max_movable_percent = 300;
  // Whether blocks outside the movable zone may be tried, which is slow and seldom works.
  bool allow_kernel_zones = false;
};

struct SafetyLimits {
  CpuLimits cpus;
  MemoryLimits memory;
  // Nothing changes these, in any direction: names as ParseDeviceName takes them.
  std::set<std::string> protected_devices;
  // What may be changed at all.
  std::set<v1::DeviceKind> allowed_kinds = {v1::DEVICE_KIND_CPU, v1::DEVICE_KIND_MEMORY,
                                            v1::DEVICE_KIND_SMT, v1::DEVICE_KIND_GENERIC};
};

// Each answers FAILED_PRECONDITION with a reason LIMIT_..., naming the limit's key, its value, what
// would have been left and where it is set (metadata: device where it is one, limit, value, left
// where the limit counts, retry). Ok: no limit stands in the way; whether the kernel does it is
// another matter.

// Kind and protection; for every change, online ones too.
absl::Status CheckDevice(const SafetyLimits& limits, const DeviceName& device);

// Taking `gone` offline at once, e.g. one CPU, or all secondary threads. CPUs of it that are not
// online make no difference. Names the first limit that is passed; LAST_ONLINE_CPU, whatever the
// limits, where none would stay.
absl::Status CheckCpusOffline(const SafetyLimits& limits, const CpuSnapshot& cpus,
                              const CpuSet& gone);

// Taking one online block offline; NOT_OFFLINABLE where the kernel has it in no zone.
absl::Status CheckMemoryOffline(const SafetyLimits& limits, const MemorySnapshot& memory,
                                int block);

// Bringing one offline block online in `zone`: the share of movable memory, and whether the kernel
// allows the zone at all (ZONE_NOT_ALLOWED).
absl::Status CheckMemoryOnline(const SafetyLimits& limits, const MemorySnapshot& memory, int block,
                               v1::MemoryZone zone);

}  // namespace hotplugger::agent
