// How busy the CPUs are.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "agent/devices/inventory/file_tree.h"

namespace hotplugger::agent {

// What proc/stat has counted for one CPU since it came, in ticks.
struct CpuTicks {
  uint64_t busy = 0;
  uint64_t total = 0;
};
using CpuTimes = std::map<int, CpuTicks>;

// The lines cpu0, cpu1, ... of proc/stat, which are those of the CPUs online. Waiting for a disk is
// not busy, time stolen by a hypervisor is. INTERNAL (BAD_KERNEL_ANSWER), naming the line.
absl::StatusOr<CpuTimes> ReadCpuTimes(const FileTree& tree);

// So many CPUs' worth of work was done between the two: 2.5 of 8 busy. CPUs that were not there
// both times, or whose counters went back, don't count. Nothing where no CPU has ticked.
std::optional<double> BusyCpus(const CpuTimes& before, const CpuTimes& after);

// Microseconds since boot in which some task waited for a CPU (proc/pressure/cpu); nothing where
// the kernel doesn't say.
absl::StatusOr<std::optional<uint64_t>> ReadCpuPressure(const FileTree& tree);

// The same of what reading that file of `tree` answered (FileTree::ReadIfThere).
absl::StatusOr<std::optional<uint64_t>> CpuPressureFrom(
    const FileTree& tree, const absl::StatusOr<std::optional<std::string>>& answer);

}  // namespace hotplugger::agent
