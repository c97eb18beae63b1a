#include "server/fleet/hold_check.h"

#include <algorithm>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/cpu_list.h"
#include "common/error_info.h"
#include "common/number_ranges.h"

namespace hotplugger::server {
namespace {

// Of long lists, so many names are told.
constexpr size_t kMaxNamed = 16;
constexpr size_t kMaxListShown = 200;

ErrorMetadata About(const v1::Hold& hold) {
  return {{"node", hold.node()}, {"device", hold.subject()}};
}

std::string Shown(const std::string& list) {
  return list.size() <= kMaxListShown ? list : absl::StrCat(list.substr(0, kMaxListShown), "…");
}

absl::Status NotFound(const v1::Hold& hold, absl::string_view what_there_is) {
  return MakeError(
      absl::StatusCode::kNotFound, "DEVICE_NOT_FOUND",
      absl::StrCat("node ", hold.node(), " has no ", hold.subject(), "; ", what_there_is),
      About(hold));
}

absl::Status NotHotpluggable(const v1::Hold& hold, absl::string_view why) {
  return MakeError(absl::StatusCode::kFailedPrecondition, "NOT_HOTPLUGGABLE",
                   absl::StrCat(hold.subject(), " of node ", hold.node(), " ", why), About(hold));
}

const v1::Device* FindDevice(const v1::Inventory& inventory, const std::string& name) {
  const auto it = std::find_if(inventory.devices().begin(), inventory.devices().end(),
                               [&name](const v1::Device& device) { return device.name() == name; });
  return it == inventory.devices().end() ? nullptr : &*it;
}

absl::Status CheckCpu(const v1::Hold& hold, int cpu, const v1::Inventory& inventory) {
  const v1::Device* device = FindDevice(inventory, hold.subject());
  if (device == nullptr) {
    return NotFound(hold, absl::StrCat("its CPUs are ", Shown(inventory.cpus_present())));
  }
  if (!device->hotpluggable()) {
    return NotHotpluggable(hold,
                           "has no online file: its kernel never takes it offline; hold another "
                           "CPU");
  }
  const auto online = ParseCpuList(inventory.cpus_online());
  if (hold.state() == v1::DEVICE_STATE_OFFLINE && online.ok() && *online == CpuSet{cpu}) {
    return MakeError(absl::StatusCode::kFailedPrecondition, "LAST_ONLINE_CPU",
                     absl::StrCat(hold.subject(), " is the last online CPU of node ", hold.node(),
                                  "; bring another one online first"),
                     About(hold));
  }
  return absl::OkStatus();
}

// Whether the CPU is known to belong to the core.
bool IsOfCore(const v1::Device& device, const CoreName& core) {
  const v1::CpuTopology& place = device.cpu();
  // As on the agent: a kernel that tells no package or die has number 0 alone.
  return device.kind() == v1::DEVICE_KIND_CPU && place.has_core() &&
         CoreName{place.package(), place.die(), place.core()} == core;
}

bool StaysOnline(const v1::Inventory& inventory, const std::set<std::string>& without) {
  return std::any_of(
      inventory.devices().begin(), inventory.devices().end(), [&without](const v1::Device& device) {
        return device.kind() == v1::DEVICE_KIND_CPU && device.state() == v1::DEVICE_STATE_ONLINE &&
               without.count(device.name()) == 0;
      });
}

absl::Status CheckCore(const v1::Hold& hold, const CoreName& core, const v1::Inventory& inventory) {
  std::set<std::string> cpus;
  bool places_known = true;
  for (const v1::Device& device : inventory.devices()) {
    if (device.kind() != v1::DEVICE_KIND_CPU) continue;
    if (!device.cpu().has_core()) places_known = false;
    if (!IsOfCore(device, core)) continue;
    cpus.insert(device.name());
    if (hold.state() == v1::DEVICE_STATE_OFFLINE && !device.hotpluggable()) {
      return NotHotpluggable(hold, absl::StrCat("has ", device.name(),
                                                ", which has no online file: its kernel never "
                                                "takes it offline; hold another core"));
    }
  }
  // Of a CPU that has been offline ever since the boot, the place isn't known.
  if (cpus.empty() && places_known) {
    return NotFound(hold, "`hotplugctl get node NODE -o json` shows the places of its CPUs");
  }
  if (hold.state() == v1::DEVICE_STATE_OFFLINE && !cpus.empty() && !StaysOnline(inventory, cpus)) {
    return MakeError(
        absl::StatusCode::kFailedPrecondition, "LAST_ONLINE_CPU",
        absl::StrCat(hold.subject(), " has the last online CPUs of node ", hold.node(), " (",
                     absl::StrJoin(cpus, ", "), "); bring another one online first"),
        About(hold));
  }
  return absl::OkStatus();
}

absl::Status CheckBlock(const v1::Hold& hold, int block, const v1::Inventory& inventory) {
  if (!inventory.has_memory()) {
    return NotHotpluggable(hold, "can't be held: the node's kernel has no memory hotplug");
  }
  const auto present =
      NumberRanges::Parse(inventory.memory().blocks_present(), kMemoryBlockListRules);
  if (!present.ok() || present->Contains(block)) return absl::OkStatus();
  return NotFound(
      hold, absl::StrCat("its memory blocks are ", Shown(inventory.memory().blocks_present())));
}

absl::Status CheckGeneric(const v1::Hold& hold, const v1::Inventory& inventory) {
  const v1::Device* device = FindDevice(inventory, hold.subject());
  if (device != nullptr) {
    return device->hotpluggable() ? absl::OkStatus()
                                  : NotHotpluggable(hold, "can't be taken offline by its kernel");
  }
  std::vector<std::string> names;
  for (const v1::Device& other : inventory.devices()) {
    if (other.kind() == v1::DEVICE_KIND_GENERIC && names.size() < kMaxNamed) {
      names.push_back(other.name());
    }
  }
  return NotFound(hold, names.empty()
                            ? std::string("it has no devices of other buses at all")
                            : absl::StrCat("of other buses it has ", absl::StrJoin(names, ", ")));
}

absl::Status CheckDriver(const std::string& driver, const v1::Hold& hold,
                         const v1::Inventory& inventory) {
  std::vector<std::string> names;
  for (const v1::Driver& registered : inventory.drivers()) {
    if (absl::EqualsIgnoreCase(registered.name(), driver)) return absl::OkStatus();
    names.push_back(registered.name());
  }
  return MakeError(
      absl::StatusCode::kNotFound, "DRIVER_NOT_REGISTERED",
      absl::StrCat("node ", hold.node(), " has no driver ", driver, "; it has ",
                   names.empty() ? std::string("none at all") : absl::StrJoin(names, ", ")),
      {{"node", hold.node()}, {"driver", driver}});
}

// Whether the block is known to lie outside the movable zone, so that the kernel's own data may
// be in it.
bool HoldsKernelData(int block, const v1::MemoryInventory& memory) {
  const auto online = NumberRanges::Parse(memory.blocks_online(), kMemoryBlockListRules);
  const auto movable = NumberRanges::Parse(memory.blocks_movable(), kMemoryBlockListRules);
  return online.ok() && movable.ok() && online->Contains(block) && !movable->Contains(block);
}

}  // namespace

absl::Status CheckHold(const v1::Hold& hold, const Subject& subject, const NodeSnapshot& node) {
  if (node.inventory == nullptr) return absl::OkStatus();
  switch (subject.kind) {
    case Subject::Kind::kCpu:
      return CheckCpu(hold, subject.number, *node.inventory);
    case Subject::Kind::kCore:
      return CheckCore(hold, subject.core, *node.inventory);
    case Subject::Kind::kMemory:
      return CheckBlock(hold, subject.number, *node.inventory);
    case Subject::Kind::kGeneric:
      return CheckGeneric(hold, *node.inventory);
    case Subject::Kind::kDriver:
      return CheckDriver(subject.name, hold, *node.inventory);
  }
  return absl::OkStatus();
}

std::vector<std::string> FindHoldWarnings(const v1::Hold& hold, const Subject& subject,
                                          const NodeSnapshot& node) {
  std::vector<std::string> warnings;
  if (!node.connected) {
    warnings.push_back(
        absl::StrCat("node ", node.name, " is not connected; the hold takes effect when it is"));
  }
  if (node.inventory == nullptr) {
    warnings.push_back(absl::StrCat("node ", node.name, " has not said what it has; whether ",
                                    hold.subject(), " exists is not known"));
  } else if (subject.kind == Subject::Kind::kMemory && hold.state() == v1::DEVICE_STATE_OFFLINE &&
             HoldsKernelData(subject.number, node.inventory->memory())) {
    warnings.push_back(absl::StrCat(hold.subject(), " of node ", node.name,
                                    " is not movable memory; its kernel may never let it go"));
  }
  if (subject.kind == Subject::Kind::kDriver && node.desired != nullptr &&
      node.desired->spec.switching() == v1::SWITCH_OFF) {
    warnings.push_back(absl::StrCat("a policy turns switching off on node ", node.name,
                                    "; this hold outranks it"));
  }
  return warnings;
}

}  // namespace hotplugger::server
