#include "agent/devices/rules/victims.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "agent/devices/rules/core_threads.h"
#include "common/byte_size.h"
#include "common/error_info.h"

namespace hotplugger::agent {
namespace {

// Secondary threads: the last thread of each core first, so that cores lose threads evenly. Among
// equals the highest number first.
std::vector<int> SecondaryThreads(const CpuSnapshot& cpus, const CpuSet& takeable) {
  std::vector<std::pair<int, int>> threads;  // thread's place in its core, cpu
  for (const int cpu : takeable) {
    const int place = ThreadOf(cpus.topology, cpu);
    if (place > 0) threads.emplace_back(place, cpu);
  }
  std::sort(threads.rbegin(), threads.rend());
  std::vector<int> order;
  for (const auto& [place, cpu] : threads) order.push_back(cpu);
  return order;
}

// First threads, the highest first, but of each package the lowest last of all; then the packages'
// last ones, the highest package first.
std::vector<int> FirstThreads(const CpuSnapshot& cpus, const CpuSet& takeable,
                              const CpuSet& present) {
  // Any CPU of a package that isn't taken keeps it from being emptied; the last one counts
  // otherwise.
  std::map<int, int> last_of_package;
  for (const int cpu : present) {
    if (cpus.topology.IsSecondaryThread(cpu)) continue;
    last_of_package.try_emplace(cpus.topology.PackageOf(cpu), cpu);
  }
  std::vector<int> cores;
  std::vector<std::pair<int, int>> lasts;
  for (const int cpu : takeable) {
    if (cpus.topology.IsSecondaryThread(cpu)) continue;
    const int package = cpus.topology.PackageOf(cpu);
    if (last_of_package.at(package) == cpu) {
      lasts.emplace_back(package, cpu);
    } else {
      cores.push_back(cpu);
    }
  }
  std::sort(cores.rbegin(), cores.rend());
  std::sort(lasts.rbegin(), lasts.rend());
  for (const auto& [package, cpu] : lasts) cores.push_back(cpu);
  return cores;
}

absl::Status TooFewCpus(int count, size_t there, bool online) {
  return MakeError(
      absl::StatusCode::kFailedPrecondition, "TOO_FEW_DEVICES",
      absl::StrCat(count, " CPUs were to go ", online ? "online" : "offline", ", and only ", there,
                   online ? " that SMT lets come are offline" : " that can go are online"),
      {{"available", absl::StrCat(there)}});
}

}  // namespace

std::vector<int> CpuOfflineOrder(const CpuSnapshot& cpus, const CpuSet& keep) {
  CpuSet takeable;
  for (const int cpu : cpus.masks.present) {
    if (cpus.hotpluggable.count(cpu) > 0 && keep.count(cpu) == 0) takeable.insert(cpu);
  }
  std::vector<int> order = SecondaryThreads(cpus, takeable);
  const std::vector<int> firsts = FirstThreads(cpus, takeable, cpus.masks.present);
  order.insert(order.end(), firsts.begin(), firsts.end());
  return order;
}

CpuSet CpusToPark(const CpuSnapshot& cpus, int online_count, const CpuSet& keep) {
  const std::vector<int> order = CpuOfflineOrder(cpus, keep);
  const int surplus = static_cast<int>(cpus.masks.present.size()) - std::max(online_count, 0);
  const size_t count = std::min(order.size(), static_cast<size_t>(std::max(surplus, 0)));
  return CpuSet(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(count));
}

absl::StatusOr<std::vector<int>> NextCpus(const CpuSnapshot& cpus, int count, bool online) {
  std::vector<int> order = CpuOfflineOrder(cpus, {});
  if (online) std::reverse(order.begin(), order.end());
  const int threads = AllowedThreads(cpus.smt);
  std::vector<int> next;
  for (const int cpu : order) {
    if ((cpus.masks.online.count(cpu) > 0) == online) continue;
    // The kernel refuses those that SMT forbids.
    if (!online || ThreadOf(cpus.topology, cpu) < threads) next.push_back(cpu);
  }
  if (next.size() < static_cast<size_t>(count)) return TooFewCpus(count, next.size(), online);
  next.resize(static_cast<size_t>(count));
  return next;
}

std::vector<int> MemoryOfflineOrder(const MemoryBlocks& memory, int node, bool kernel_zones) {
  std::vector<int> movable;
  std::vector<int> kernel;
  for (auto it = memory.blocks.rbegin(); it != memory.blocks.rend(); ++it) {
    const auto& [number, block] = *it;
    if (block.state != v1::DEVICE_STATE_ONLINE || (node >= 0 && block.node != node)) continue;
    if (block.zone == BlockZone::kMovable) movable.push_back(number);
    if (block.zone == BlockZone::kKernel && kernel_zones) kernel.push_back(number);
  }
  movable.insert(movable.end(), kernel.begin(), kernel.end());
  return movable;
}

absl::StatusOr<std::vector<int>> NextBlocks(const MemoryBlocks& memory, uint64_t bytes, int node,
                                            bool online, bool kernel_zones) {
  std::vector<int> candidates;
  if (online) {
    for (const auto& [number, block] : memory.blocks) {
      const bool here = node < 0 || block.node == node;
      if (here && block.state == v1::DEVICE_STATE_OFFLINE) candidates.push_back(number);
    }
  } else {
    candidates = MemoryOfflineOrder(memory, node, kernel_zones);
  }
  const uint64_t count = bytes / memory.block_size_bytes;
  if (candidates.size() < count) {
    const uint64_t there = candidates.size() * memory.block_size_bytes;
    return MakeError(
        absl::StatusCode::kFailedPrecondition, "TOO_LITTLE_MEMORY",
        absl::StrCat(FormatByteSize(bytes), " were to go ", online ? "online" : "offline",
                     ", and only ", FormatByteSize(there),
                     online ? " are offline" : " of movable memory are online",
                     node >= 0 ? absl::StrCat(" on node ", node) : std::string()),
        {{"available_bytes", absl::StrCat(there)}});
  }
  candidates.resize(count);
  return candidates;
}

}  // namespace hotplugger::agent
