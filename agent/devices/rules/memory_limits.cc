// The part of safety_limits.h that concerns memory.
#include <algorithm>
#include <cmath>
#include <limits>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "agent/devices/rules/limit_totals.h"
#include "agent/devices/rules/passed_limit.h"
#include "agent/devices/rules/safety_limits.h"
#include "agent/devices/rules/zones.h"
#include "common/byte_size.h"
#include "common/error_info.h"
#include "common/status_macros.h"

namespace hotplugger::agent {
namespace {

// Movable to kernel memory.
struct MemoryRatio {
  int64_t movable = 0;
  int64_t kernel = 0;

  double Percent() const {
    if (kernel <= 0) return movable <= 0 ? 0 : std::numeric_limits<double>::infinity();
    return 100.0 * static_cast<double>(movable) / static_cast<double>(kernel);
  }
};

// The ratio after `movable` and `kernel` bytes have come or gone. Only a change for the worse
// counts.
absl::Status CheckRatio(const MemoryLimits& limits, const MemoryUse& use, const std::string& name,
                        int64_t movable, int64_t kernel) {
  MemoryRatio ratio;
  for (const auto& [node, memory] : use.nodes) {
    ratio.movable += static_cast<int64_t>(memory.movable_bytes);
    ratio.kernel += static_cast<int64_t>(memory.kernel_bytes);
  }
  const double before = ratio.Percent();
  ratio.movable += movable;
  ratio.kernel += kernel;
  const double after = ratio.Percent();
  if (after <= limits.max_movable_percent || after <= before) return absl::OkStatus();
  const std::string percent =
      std::isinf(after) ? "infinitely many" : absl::StrCat(static_cast<int64_t>(std::ceil(after)));
  return Refuse(name,
                {"LIMIT_MAX_MOVABLE_PERCENT", "memory.max_movable_percent",
                 absl::StrCat(limits.max_movable_percent),
                 absl::StrCat("movable memory would come to ", percent,
                              " percent of the kernel's, and a kernel that runs out of its own "
                              "kills processes although movable memory is free"),
                 percent});
}

// One online block going offline against all limits.
class MemoryCheck {
 public:
  MemoryCheck(const MemoryLimits& limits, const MemorySnapshot& memory, const MemoryTotals& totals,
              int number, const MemoryBlock& block)
      : limits_(limits),
        memory_(memory),
        totals_(totals),
        name_(MemoryName(number)),
        block_(block),
        size_(memory.blocks.block_size_bytes) {}

  absl::Status Run() const {
    RETURN_IF_ERROR(Zone());
    RETURN_IF_ERROR(Online());
    RETURN_IF_ERROR(Available());
    return CheckRatio(limits_, memory_.use, name_,
                      block_.zone == BlockZone::kMovable ? -static_cast<int64_t>(size_) : 0,
                      block_.zone == BlockZone::kKernel ? -static_cast<int64_t>(size_) : 0);
  }

 private:
  absl::Status Zone() const {
    if (block_.zone == BlockZone::kNone) {
      return MakeError(
          absl::StatusCode::kFailedPrecondition, "NOT_OFFLINABLE",
          absl::StrCat(name_,
                       " can't go offline: it lies in several zones or nodes, or has holes "
                       "(its valid_zones says none); take another block"),
          {{"device", name_}, {"retry", "PERMANENT"}});
    }
    if (block_.zone != BlockZone::kKernel || limits_.allow_kernel_zones) return absl::OkStatus();
    PassedLimit limit{"LIMIT_KERNEL_ZONE", "memory.allow_kernel_zones", "false",
                      absl::StrCat(name_, " is in zone ", absl::StrJoin(block_.zones, " "),
                                   ", where the kernel keeps data that can't be moved, so that it "
                                   "would take long and seldom work"),
                      ""};
    limit.retry = "PERMANENT";
    return Refuse(name_, limit);
  }

  std::string WouldLeave(uint64_t bytes, absl::string_view what) const {
    return absl::StrCat("taking ", name_, " offline would leave ", FormatByteSize(bytes), what);
  }

  absl::Status Online() const {
    const uint64_t left = totals_.online - size_;
    if (left < limits_.min_online_bytes) {
      return Refuse(name_, {"LIMIT_MIN_ONLINE_MEMORY", "memory.min_online_bytes",
                            FormatByteSize(limits_.min_online_bytes), WouldLeave(left, " online"),
                            FormatByteSize(left)});
    }
    const uint64_t floor = PercentOf(totals_.present, limits_.min_online_percent);
    if (left < floor) {
      return Refuse(
          name_,
          {"LIMIT_MIN_ONLINE_MEMORY_PERCENT", "memory.min_online_percent",
           absl::StrCat(limits_.min_online_percent),
           WouldLeave(left, absl::StrCat(" of ", FormatByteSize(totals_.present), " online")),
           FormatByteSize(left)});
    }
    if (block_.node < 0) return absl::OkStatus();
    const uint64_t here = totals_.online_of_node.at(block_.node) - size_;
    if (here >= limits_.min_online_bytes_per_node) return absl::OkStatus();
    return Refuse(name_, {"LIMIT_MIN_ONLINE_MEMORY_PER_NODE", "memory.min_online_bytes_per_node",
                          FormatByteSize(limits_.min_online_bytes_per_node),
                          WouldLeave(here, absl::StrCat(" online on NUMA node ", block_.node)),
                          FormatByteSize(here)});
  }

  // The worst case: all of the block is in use, and must find room elsewhere.
  absl::Status Available() const {
    const MemoryUse& use = memory_.use;
    const uint64_t left = use.available_bytes - std::min(size_, use.available_bytes);
    if (left < limits_.min_available_bytes) {
      return Refuse(name_, {"LIMIT_MIN_AVAILABLE_MEMORY", "memory.min_available_bytes",
                            FormatByteSize(limits_.min_available_bytes),
                            WouldLeave(left, " available to programs"), FormatByteSize(left)});
    }
    const uint64_t total = use.total_bytes - std::min(size_, use.total_bytes);
    if (left >= PercentOf(total, limits_.min_available_percent)) return absl::OkStatus();
    return Refuse(
        name_,
        {"LIMIT_MIN_AVAILABLE_MEMORY_PERCENT", "memory.min_available_percent",
         absl::StrCat(limits_.min_available_percent),
         WouldLeave(left, absl::StrCat(" of ", FormatByteSize(total), " available to programs")),
         FormatByteSize(left)});
  }

  const MemoryLimits& limits_;
  const MemorySnapshot& memory_;
  const MemoryTotals& totals_;
  const std::string name_;
  const MemoryBlock& block_;
  const uint64_t size_;
};

const char* ZoneWord(v1::MemoryZone zone) {
  return zone == v1::MEMORY_ZONE_MOVABLE ? "the movable zone" : "a kernel zone";
}

}  // namespace

absl::Status CheckMemoryOffline(const SafetyLimits& limits, const MemorySnapshot& memory,
                                const MemoryTotals& totals, int block) {
  const auto found = memory.blocks.blocks.find(block);
  // What isn't online makes no difference.
  if (found == memory.blocks.blocks.end() || found->second.state != v1::DEVICE_STATE_ONLINE) {
    return absl::OkStatus();
  }
  return MemoryCheck(limits.memory, memory, totals, block, found->second).Run();
}

absl::Status CheckMemoryOffline(const SafetyLimits& limits, const MemorySnapshot& memory,
                                int block) {
  return CheckMemoryOffline(limits, memory, MemoryTotals(memory.blocks), block);
}

absl::Status CheckMemoryOnline(const SafetyLimits& limits, const MemorySnapshot& memory, int block,
                               v1::MemoryZone zone) {
  const auto found = memory.blocks.blocks.find(block);
  if (found == memory.blocks.blocks.end()) return absl::OkStatus();
  const std::string name = MemoryName(block);
  if (!AllowsZone(found->second, zone)) {
    const std::string allowed = absl::StrJoin(found->second.zones, ", ");
    return MakeError(absl::StatusCode::kFailedPrecondition, "ZONE_NOT_ALLOWED",
                     absl::StrCat(name, " can't go online in ", ZoneWord(zone),
                                  "; the kernel allows it these (valid_zones): ", allowed),
                     {{"device", name}, {"zones", allowed}, {"retry", "PERMANENT"}});
  }
  const auto size = static_cast<int64_t>(memory.blocks.block_size_bytes);
  const bool movable = WouldBeMovable(found->second, zone);
  return CheckRatio(limits.memory, memory.use, name, movable ? size : 0, movable ? 0 : size);
}

}  // namespace hotplugger::agent
