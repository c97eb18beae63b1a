#include "agent/devices/rules/target.h"

#include <algorithm>
#include <map>
#include <vector>

#include "absl/strings/str_cat.h"
#include "agent/devices/rules/victims.h"
#include "common/byte_size.h"
#include "common/cpu_list.h"
#include "common/error_info.h"
#include "common/status_macros.h"

namespace hotplugger::agent {
namespace {

using Target = v1::DeviceTarget;

std::string Hex(uint64_t number) { return absl::StrCat("0x", absl::Hex(number)); }

// The nearest multiples of `size` that are at least `least`, as far as there are any.
std::string Nearest(uint64_t value, uint64_t size, uint64_t least,
                    std::string (*format)(uint64_t)) {
  const uint64_t below = value - value % size;
  if (below < least) return absl::StrCat("the nearest is ", format(below + size));
  if (below + size < below) return absl::StrCat("the nearest is ", format(below));
  return absl::StrCat("the nearest are ", format(below), " and ", format(below + size));
}

absl::Status BadField(absl::string_view field, absl::string_view problem) {
  return MakeFieldErrors({{std::string(field), std::string(problem)}});
}

// What is wrong with the zone, or "".
std::string ZoneProblem(const Target& target, bool online, v1::MemoryZone zone) {
  if (!v1::MemoryZone_IsValid(zone)) {
    return absl::StrCat(static_cast<int>(zone), " is neither KERNEL nor MOVABLE");
  }
  if (zone == v1::MEMORY_ZONE_UNSPECIFIED) return "";
  const std::string& name = v1::MemoryZone_Name(zone);
  if (!online) {
    return absl::StrCat(name, " is set, but what goes offline goes to no zone; leave it out");
  }
  if (target.target_case() == Target::TARGET_NOT_SET || IsMemoryTarget(target)) return "";
  return absl::StrCat(name,
                      " is set, but only memory goes online in a zone, and devices that have none "
                      "refuse it (contract 27); leave it out");
}

// One target on its way to changes.
class Resolver {
 public:
  Resolver(const Target& target, bool online, v1::MemoryZone zone, const Snapshot& snapshot)
      : target_(target), online_(online), zone_(zone), snapshot_(snapshot) {}

  absl::StatusOr<DeviceChanges> Run() {
    switch (target_.target_case()) {
      case Target::kDevice:
        return Device();
      case Target::kCpus:
        return CpuTarget("target.cpus", target_.cpus(), /*whole_cores=*/false);
      case Target::kCores:
        return CpuTarget("target.cores", target_.cores(), /*whole_cores=*/true);
      case Target::kCpuCount:
        return CpuCount();
      case Target::TARGET_NOT_SET:
        return BadField("target",
                        "is absent; name a device, CPUs, cores, a count, or memory by blocks, "
                        "range, amount or node");
      default:
        return Memory();
    }
  }

 private:
  absl::StatusOr<DeviceChanges> Device() {
    ASSIGN_OR_RETURN(DeviceName name, ParseDeviceName(target_.device()));
    if (name.kind == v1::DEVICE_KIND_SMT) {
      return BadField("target.device", "is \"smt\"; SMT is set by SetSmt, hotplugctl --host smt");
    }
    return DeviceChanges{{std::move(name), online_, zone_}};
  }

  absl::StatusOr<DeviceChanges> CpuTarget(absl::string_view field, const std::string& list,
                                          bool whole_cores) {
    const absl::StatusOr<CpuSet> named = ParseCpuList(list);
    if (!named.ok()) return BadField(field, named.status().message());
    if (named->empty()) {
      return BadField(field, "is an empty list; name at least one CPU, e.g. \"3\"");
    }
    if (!whole_cores) return InOrder(*named);
    CpuSet cpus;
    CpuSet unknown;
    for (const int cpu : *named) {
      if (IsCoreUnknown(cpu)) unknown.insert(cpu);
      cpus.merge(snapshot_.cpus.topology.CoreCpus(cpu));
    }
    if (!unknown.empty()) return CoresUnknown(unknown);
    return InOrder(cpus);
  }

  // CPUs that aren't there stay in the list, each for a result of its own.
  bool IsCoreUnknown(int cpu) const {
    if (snapshot_.cpus.masks.present.count(cpu) == 0) return false;
    const v1::CpuTopology* place = snapshot_.cpus.topology.Find(cpu);
    return place == nullptr || (!place->has_core() && place->core_cpus().empty());
  }

  static absl::Status CoresUnknown(const CpuSet& cpus) {
    return MakeError(absl::StatusCode::kFailedPrecondition, "TOPOLOGY_UNKNOWN",
                     absl::StrCat("the cores of CPUs ", FormatCpuList(cpus),
                                  " are not known: the kernel tells them of online CPUs alone, and "
                                  "these have not been online since the agent first looked; bring "
                                  "them online once, or name all threads as CPUs"),
                     {{"device", CpuName(*cpus.begin())}, {"retry", "PERMANENT"}});
  }

  absl::StatusOr<DeviceChanges> CpuCount() {
    if (target_.cpu_count() < 1 || target_.cpu_count() > kMaxTargetDevices) {
      return BadField(
          "target.cpu_count",
          absl::StrCat(target_.cpu_count(), " is not between 1 and ", kMaxTargetDevices));
    }
    ASSIGN_OR_RETURN(const std::vector<int> cpus,
                     NextCpus(snapshot_.cpus, target_.cpu_count(), online_));
    DeviceChanges changes;
    for (const int cpu : cpus) changes.push_back({CpuDevice(cpu), online_});
    return changes;
  }

  // CPUs that the order of victims leaves out come first: they fail before anything is done.
  DeviceChanges InOrder(const CpuSet& cpus) const {
    std::map<int, size_t> ranks;
    for (const int cpu : CpuOfflineOrder(snapshot_.cpus, {})) ranks.emplace(cpu, ranks.size() + 1);
    std::vector<std::pair<size_t, int>> order;
    for (const int cpu : cpus) {
      const auto rank = ranks.find(cpu);
      order.emplace_back(rank == ranks.end() ? 0 : rank->second, cpu);
    }
    std::sort(order.begin(), order.end());
    if (online_) std::reverse(order.begin(), order.end());
    DeviceChanges changes;
    for (const auto& [rank, cpu] : order) changes.push_back({CpuDevice(cpu), online_});
    return changes;
  }

  absl::StatusOr<DeviceChanges> Memory() {
    if (!snapshot_.memory) {
      return MakeError(absl::StatusCode::kFailedPrecondition, "NO_MEMORY_HOTPLUG",
                       "this host's kernel has no memory hotplug: there is no "
                       "/sys/devices/system/memory/block_size_bytes");
    }
    const MemoryBlocks& memory = snapshot_.memory->blocks;
    switch (target_.target_case()) {
      case Target::kMemoryBlocks:
        return Blocks();
      case Target::kMemoryRange:
        return Range(memory);
      case Target::kMemoryAmount:
        return Amount(memory);
      default:
        return Node();
    }
  }

  absl::StatusOr<DeviceChanges> Blocks() {
    const absl::StatusOr<NumberSet> named =
        ParseNumberList(target_.memory_blocks(), kMemoryBlockListRules);
    if (!named.ok()) return BadField("target.memory_blocks", named.status().message());
    if (named->empty()) {
      return BadField("target.memory_blocks",
                      "is an empty list; name at least one block, e.g. \"32\"");
    }
    return ToChanges(*named);
  }

  absl::StatusOr<DeviceChanges> Range(const MemoryBlocks& memory) {
    const uint64_t size = memory.block_size_bytes;
    const v1::MemoryRange& range = target_.memory_range();
    std::vector<FieldViolation> violations;
    const auto check = [&](const char* field, uint64_t value, uint64_t least) {
      if (value % size == 0) return;
      violations.push_back(
          {field, absl::StrCat(Hex(value), " is not on a block boundary; blocks have ",
                               FormatByteSize(size), ", and ", Nearest(value, size, least, &Hex))});
    };
    check("target.memory_range.start", range.start(), 0);
    check("target.memory_range.size", range.size(), size);
    if (range.size() == 0) {
      violations.push_back({"target.memory_range.size", "is 0; give at least one block"});
    } else if (range.start() + range.size() < range.start() ||
               (range.start() + range.size() - 1) / size > kMaxMemoryBlock) {
      violations.push_back({"target.memory_range.size",
                            absl::StrCat(Hex(range.size()), " runs past the largest address")});
    } else if (range.size() / size > kMaxTargetDevices) {
      violations.push_back(
          {"target.memory_range.size",
           absl::StrCat(Hex(range.size()), " makes ", range.size() / size, " blocks; at most ",
                        kMaxTargetDevices, " are taken at once")});
    }
    RETURN_IF_ERROR(MakeFieldErrors(violations));
    NumberSet blocks;
    const int first = static_cast<int>(range.start() / size);
    const int count = static_cast<int>(range.size() / size);
    for (int i = 0; i < count; ++i) blocks.insert(blocks.end(), first + i);
    return ToChanges(blocks);
  }

  absl::StatusOr<DeviceChanges> Amount(const MemoryBlocks& memory) {
    const v1::MemoryAmount& amount = target_.memory_amount();
    const uint64_t size = memory.block_size_bytes;
    std::vector<FieldViolation> violations;
    if (amount.bytes() == 0) {
      violations.push_back({"target.memory_amount.bytes", "is 0 or absent; give at least a block"});
    } else if (amount.bytes() % size != 0) {
      violations.push_back(
          {"target.memory_amount.bytes",
           absl::StrCat(FormatByteSize(amount.bytes()), " is no multiple of the block size, ",
                        FormatByteSize(size), "; ",
                        Nearest(amount.bytes(), size, size, &FormatByteSize))});
    }
    if (amount.has_node() && amount.node() < 0) {
      violations.push_back(
          {"target.memory_amount.node", absl::StrCat(amount.node(), " is no NUMA node's number")});
    }
    RETURN_IF_ERROR(MakeFieldErrors(violations));
    if (amount.has_node() && BlocksOf(amount.node()).empty()) return NoMemoryThere(amount.node());
    ASSIGN_OR_RETURN(const std::vector<int> blocks,
                     NextBlocks(memory, amount.bytes(), amount.has_node() ? amount.node() : -1,
                                online_, /*kernel_zones=*/false));
    DeviceChanges changes;
    for (const int block : blocks) changes.push_back({MemoryDevice(block), online_, zone_});
    return changes;
  }

  absl::StatusOr<DeviceChanges> Node() {
    if (target_.memory_node() < 0) {
      return BadField("target.memory_node",
                      absl::StrCat(target_.memory_node(), " is no NUMA node's number"));
    }
    const NumberSet blocks = BlocksOf(target_.memory_node());
    return blocks.empty() ? NoMemoryThere(target_.memory_node())
                          : absl::StatusOr<DeviceChanges>(ToChanges(blocks));
  }

  NumberSet BlocksOf(int node) const {
    NumberSet blocks;
    for (const auto& [number, block] : snapshot_.memory->blocks.blocks) {
      if (block.node == node) blocks.insert(blocks.end(), number);
    }
    return blocks;
  }

  static absl::Status NoMemoryThere(int node) {
    return MakeError(absl::StatusCode::kNotFound, "NO_MEMORY_THERE",
                     absl::StrCat("no memory block belongs to NUMA node ", node,
                                  "; hotplugctl --host memory shows each block's node"));
  }

  DeviceChanges ToChanges(const NumberSet& blocks) const {
    DeviceChanges changes;
    for (const int block : blocks) changes.push_back({MemoryDevice(block), online_, zone_});
    if (!online_) std::reverse(changes.begin(), changes.end());
    return changes;
  }

  const Target& target_;
  const bool online_;
  const v1::MemoryZone zone_;
  const Snapshot& snapshot_;
};

}  // namespace

bool IsMemoryTarget(const v1::DeviceTarget& target) {
  switch (target.target_case()) {
    case Target::kMemoryBlocks:
    case Target::kMemoryRange:
    case Target::kMemoryAmount:
    case Target::kMemoryNode:
      return true;
    case Target::kDevice: {
      const absl::StatusOr<DeviceName> device = ParseDeviceName(target.device());
      return device.ok() && device->kind == v1::DEVICE_KIND_MEMORY;
    }
    default:
      return false;
  }
}

absl::StatusOr<DeviceChanges> ResolveTarget(const v1::DeviceTarget& target, bool online,
                                            v1::MemoryZone zone, const Snapshot& snapshot) {
  absl::StatusOr<DeviceChanges> changes = Resolver(target, online, zone, snapshot).Run();
  std::vector<FieldViolation> violations = ErrorFieldViolations(changes.status());
  // A device's name that is none: whether it has zones can't be told.
  if (absl::IsInvalidArgument(changes.status()) && violations.empty()) return changes;
  if (const std::string problem = ZoneProblem(target, online, zone); !problem.empty()) {
    violations.push_back({"zone", problem});
  }
  RETURN_IF_ERROR(MakeFieldErrors(violations));
  return changes;
}

}  // namespace hotplugger::agent
