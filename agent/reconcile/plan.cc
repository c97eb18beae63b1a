#include "agent/reconcile/plan.h"

#include <algorithm>
#include <utility>

#include "agent/devices/rules/victims.h"
#include "agent/devices/rules/zones.h"
#include "agent/reconcile/held_cores.h"
#include "common/cpu_list.h"
#include "common/driver_rules.h"

namespace hotplugger::agent {
namespace {

using Why = WantedDevice::Why;

NumberSet ListOrNone(const std::string& list, const NumberListRules& rules) {
  absl::StatusOr<NumberSet> numbers = ParseNumberList(list, rules);
  return numbers.ok() ? *std::move(numbers) : NumberSet();
}

bool IsOnline(v1::DeviceState state) { return state == v1::DEVICE_STATE_ONLINE; }

bool SmtIsOff(const v1::SmtStatus& smt) {
  return smt.control() == v1::SMT_CONTROL_OFF || smt.control() == v1::SMT_CONTROL_FORCEOFF;
}

void Want(WantedDevices* wanted, DeviceName device, bool online, Why why, std::string setting,
          v1::MemoryZone zone = v1::MEMORY_ZONE_UNSPECIFIED) {
  const std::string name = FormatDeviceName(device);
  (*wanted)[name] = {{std::move(device), online, zone}, why, std::move(setting)};
}

void WantCpus(const CpuSet& cpus, bool online, const char* setting, WantedDevices* wanted) {
  for (const int cpu : cpus) Want(wanted, CpuDevice(cpu), online, Why::kSpec, setting);
}

void WantBlocks(const NumberSet& blocks, bool online, const char* setting, WantedDevices* wanted) {
  for (const int block : blocks) Want(wanted, MemoryDevice(block), online, Why::kSpec, setting);
}

// Siblings of a core that is kept to one thread are no additions, though they were never online.
void AddHotAddedCpus(const v1::NodeSpec& spec, const v1::Baseline& baseline,
                     const CpuSnapshot& cpus, WantedDevices* wanted) {
  if (spec.cpu_hot_add() == v1::HOT_ADD_UNSPECIFIED || SmtIsOff(cpus.smt)) return;
  const CpuSet seen = ListOrNone(baseline.cpus_seen_online(), kCpuListRules);
  for (const int cpu : cpus.masks.present) {
    if (cpus.masks.online.count(cpu) > 0 || seen.count(cpu) > 0) continue;
    Want(wanted, CpuDevice(cpu), true, Why::kHotAdd, "cpu_hot_add");
  }
}

v1::MemoryZone ZoneOf(v1::HotAdd hot_add) {
  if (hot_add == v1::HOT_ADD_ONLINE_KERNEL) return v1::MEMORY_ZONE_KERNEL;
  if (hot_add == v1::HOT_ADD_ONLINE_MOVABLE) return v1::MEMORY_ZONE_MOVABLE;
  return v1::MEMORY_ZONE_UNSPECIFIED;
}

// Somebody was faster (auto_online_blocks, a udev rule) and chose otherwise. It is wanted still, so
// that it is told; and once a person has taken it offline it comes up where it should. At the first
// look nothing is known of what came how.
bool IsMisplaced(const MemoryBlock& block, v1::MemoryZone zone, const NumberSet& seen) {
  return !seen.empty() && IsInOtherZone(block, zone);
}

void AddHotAddedMemory(const v1::NodeSpec& spec, const v1::Baseline& baseline,
                       const MemoryBlocks& memory, WantedDevices* wanted) {
  if (spec.memory_hot_add() == v1::HOT_ADD_UNSPECIFIED) return;
  const NumberSet seen = ListOrNone(baseline.memory_seen_online(), kMemoryBlockListRules);
  const v1::MemoryZone zone = ZoneOf(spec.memory_hot_add());
  for (const auto& [number, block] : memory.blocks) {
    if (seen.count(number) > 0) continue;
    const bool misplaced = IsMisplaced(block, zone, seen);
    if (block.state != v1::DEVICE_STATE_OFFLINE && !misplaced) continue;
    Want(wanted, MemoryDevice(number), true, Why::kHotAdd, "memory_hot_add", zone);
  }
}

v1::MemoryZone RecordedZone(const v1::Baseline& baseline, const std::string& device) {
  const auto zone = baseline.zones().find(device);
  return zone == baseline.zones().end() ? v1::MEMORY_ZONE_UNSPECIFIED : zone->second;
}

bool WantsSmtOff(const v1::NodeSpec& spec) {
  return spec.smt() == v1::SMT_CONTROL_OFF || spec.smt() == v1::SMT_CONTROL_FORCEOFF;
}

// Of blocks taken for an amount of memory PlanMemoryAmount says which return; threads that SMT took
// return with SMT.
void AddReleases(const v1::NodeSpec& spec, const v1::Baseline& baseline, const Topology& topology,
                 WantedDevices* wanted) {
  for (const auto& [device, state] : baseline.devices()) {
    absl::StatusOr<DeviceName> name = ParseDeviceName(device);
    if (!name.ok()) continue;
    const bool memory = name->kind == v1::DEVICE_KIND_MEMORY;
    if (memory && IsOnline(state) && spec.has_memory_offline_bytes()) continue;
    const bool thread = name->kind == v1::DEVICE_KIND_CPU && IsOnline(state) &&
                        topology.IsSecondaryThread(name->number);
    if (thread && WantsSmtOff(spec)) continue;
    const v1::MemoryZone zone =
        IsOnline(state) ? RecordedZone(baseline, device) : v1::MEMORY_ZONE_UNSPECIFIED;
    Want(wanted, *std::move(name), IsOnline(state), Why::kRelease, "baseline", zone);
  }
}

// Nothing where the spec has no count.
std::optional<int> OnlineCount(const v1::NodeSpec& spec, const CpuSnapshot& cpus) {
  if (spec.has_cpu_online_count()) return spec.cpu_online_count();
  if (!spec.has_cpu_online_percent()) return std::nullopt;
  const int64_t present = static_cast<int64_t>(cpus.masks.present.size());
  return static_cast<int>((present * spec.cpu_online_percent() + 99) / 100);
}

// What a count leaves alone because something else has its say: CPUs held online, and those that
// are to be offline whatever the count.
struct HeldCpus {
  CpuSet online;
  CpuSet offline;
};

HeldCpus CpusBesideCount(const v1::NodeSpec& spec, const WantedDevices& held) {
  HeldCpus cpus;
  cpus.online = ListOrNone(spec.cpu_online(), kCpuListRules);
  cpus.offline = ListOrNone(spec.cpu_offline(), kCpuListRules);
  for (const auto& [name, device] : held) {
    const int cpu = device.change.device.number;
    (device.change.online ? cpus.offline : cpus.online).erase(cpu);
    (device.change.online ? cpus.online : cpus.offline).insert(cpu);
  }
  return cpus;
}

void AddCount(const v1::NodeSpec& spec, const CpuSnapshot& cpus, const HeldCpus& beside,
              WantedDevices* wanted) {
  const std::optional<int> count = OnlineCount(spec, cpus);
  if (!count) return;
  const char* setting = spec.has_cpu_online_count() ? "cpu_online_count" : "cpu_online_percent";
  // What is held offline is off already, and counts.
  CpuSet held = beside.online;
  int held_offline = 0;
  for (const int cpu : beside.offline) {
    if (cpus.masks.present.count(cpu) == 0) continue;
    held.insert(cpu);
    ++held_offline;
  }
  WantCpus(CpusToPark(cpus, *count + held_offline, held), false, setting, wanted);
}

// A hold of one CPU outranks that of its core.
WantedDevices HeldCores(const v1::NodeSpec& spec, const CpuSnapshot& cpus) {
  WantedDevices wanted;
  const auto add = [&](const auto& cores, bool online) {
    for (const auto& [cpu, subject] : CpusOfCores(cores, cpus)) {
      Want(&wanted, CpuDevice(cpu), online, Why::kSpec, subject);
    }
  };
  add(spec.cores_offline(), false);
  add(spec.cores_online(), true);
  for (const int cpu : ListOrNone(spec.cpu_held(), kCpuListRules)) wanted.erase(CpuName(cpu));
  for (const int cpu : ListOrNone(spec.cpu_online(), kCpuListRules)) wanted.erase(CpuName(cpu));
  return wanted;
}

void AddCpus(const v1::NodeSpec& spec, const CpuSnapshot& cpus, WantedDevices* wanted) {
  WantedDevices cores = HeldCores(spec, cpus);
  AddCount(spec, cpus, CpusBesideCount(spec, cores), wanted);
  WantCpus(ListOrNone(spec.cpu_offline(), kCpuListRules), false, "cpu_offline", wanted);
  for (auto& [name, device] : cores) (*wanted)[name] = std::move(device);
  WantCpus(ListOrNone(spec.cpu_online(), kCpuListRules), true, "cpu_online", wanted);
}

void AddGeneric(const v1::NodeSpec& spec, WantedDevices* wanted) {
  const auto add = [wanted](const auto& names, bool online, const char* setting) {
    for (const std::string& text : names) {
      absl::StatusOr<DeviceName> name = ParseDeviceName(text);
      if (name.ok()) Want(wanted, *std::move(name), online, Why::kSpec, setting);
    }
  };
  add(spec.devices_offline(), false, "devices_offline");
  add(spec.devices_online(), true, "devices_online");
}

bool NeedsNoChange(const WantedDevice& wanted, const Snapshot& snapshot) {
  const DeviceChange& change = wanted.change;
  const std::optional<v1::DeviceState> state = StateOf(change.device, snapshot);
  // An absent device counts as offline; one that was to come back can't.
  if (!state) return !change.online || wanted.why == Why::kRelease;
  // Wanted because it isn't so.
  if (wanted.why == Why::kHotAdd) return false;
  if (wanted.why == Why::kRelease && change.online && change.device.kind == v1::DEVICE_KIND_CPU &&
      SmtIsOff(snapshot.cpus.smt) &&
      snapshot.cpus.topology.IsSecondaryThread(change.device.number)) {
    return true;
  }
  return IsOnline(*state) == change.online;
}

// Place of each CPU in the order of victims; those that it leaves out come first, for they fail
// before anything is done.
std::map<int, size_t> OfflineRanks(const CpuSnapshot& cpus) {
  std::map<int, size_t> ranks;
  for (const int cpu : CpuOfflineOrder(cpus, {})) ranks.emplace(cpu, ranks.size() + 1);
  return ranks;
}

bool OfflineBefore(const std::map<int, size_t>& ranks, const WantedDevice& a,
                   const WantedDevice& b) {
  const DeviceName& left = a.change.device;
  const DeviceName& right = b.change.device;
  if (left.kind != right.kind) return left.kind < right.kind;
  if (left.kind != v1::DEVICE_KIND_CPU) return left.number > right.number;
  const auto rank = [&ranks](int cpu) {
    const auto found = ranks.find(cpu);
    return found == ranks.end() ? size_t{0} : found->second;
  };
  return std::make_pair(rank(left.number), left.number) <
         std::make_pair(rank(right.number), right.number);
}

bool OnlineBefore(const WantedDevice& a, const WantedDevice& b) {
  const DeviceName& left = a.change.device;
  const DeviceName& right = b.change.device;
  return std::make_pair(left.kind, left.number) < std::make_pair(right.kind, right.number);
}

// Blocks of ours that the amount no longer asks for, the lowest first.
std::vector<WantedDevice> BlocksToReturn(const v1::Baseline& baseline, const MemorySnapshot& memory,
                                         uint64_t surplus_blocks, const WantedDevices& spoken_for,
                                         const NumberSet& tried) {
  std::vector<WantedDevice> changes;
  for (const auto& [number, block] : memory.blocks.blocks) {
    const std::string name = MemoryName(number);
    const auto recorded = baseline.devices().find(name);
    const auto other = spoken_for.find(name);
    const bool ours = recorded != baseline.devices().end() && IsOnline(recorded->second) &&
                      (other == spoken_for.end() || other->second.why == Why::kRelease);
    if (!ours || block.state != v1::DEVICE_STATE_OFFLINE || tried.count(number) > 0) continue;
    if (changes.size() == surplus_blocks) break;
    changes.push_back({{MemoryDevice(number), true, RecordedZone(baseline, name)},
                       Why::kRelease,
                       "memory_offline_bytes"});
  }
  return changes;
}

void RecordZone(const DeviceName& device, const Snapshot& snapshot, v1::Baseline* baseline) {
  if (device.kind != v1::DEVICE_KIND_MEMORY) return;
  const BlockZone zone = snapshot.memory->blocks.blocks.at(device.number).zone;
  if (zone != BlockZone::kMovable && zone != BlockZone::kKernel) return;
  (*baseline->mutable_zones())[FormatDeviceName(device)] =
      zone == BlockZone::kMovable ? v1::MEMORY_ZONE_MOVABLE : v1::MEMORY_ZONE_KERNEL;
}

}  // namespace

WantedDevices WantedOf(const v1::NodeSpec& spec, const v1::Baseline& baseline,
                       const Snapshot& snapshot) {
  WantedDevices wanted;
  AddHotAddedCpus(spec, baseline, snapshot.cpus, &wanted);
  if (snapshot.memory) AddHotAddedMemory(spec, baseline, snapshot.memory->blocks, &wanted);
  AddReleases(spec, baseline, snapshot.cpus.topology, &wanted);
  AddCpus(spec, snapshot.cpus, &wanted);
  WantBlocks(ListOrNone(spec.memory_offline(), kMemoryBlockListRules), false, "memory_offline",
             &wanted);
  WantBlocks(ListOrNone(spec.memory_online(), kMemoryBlockListRules), true, "memory_online",
             &wanted);
  AddGeneric(spec, &wanted);
  return wanted;
}

std::optional<SmtChange> PlanSmtChange(const v1::NodeSpec& spec, const v1::Baseline& baseline,
                                       const v1::SmtStatus& smt) {
  const v1::SmtControl wanted =
      spec.smt() != v1::SMT_CONTROL_UNSPECIFIED ? spec.smt() : baseline.smt().control();
  if (wanted == v1::SMT_CONTROL_UNSPECIFIED || wanted == smt.control()) return std::nullopt;
  // What can't be undone can't be released either.
  const bool release = spec.smt() == v1::SMT_CONTROL_UNSPECIFIED;
  if (release && smt.control() == v1::SMT_CONTROL_FORCEOFF) return std::nullopt;
  // Off for good is off.
  if (wanted == v1::SMT_CONTROL_OFF && smt.control() == v1::SMT_CONTROL_FORCEOFF) {
    return std::nullopt;
  }
  // A host without SMT has it off already.
  const bool none = smt.control() == v1::SMT_CONTROL_NOT_SUPPORTED ||
                    smt.control() == v1::SMT_CONTROL_NOT_IMPLEMENTED;
  if (none && !smt.active() && wanted != v1::SMT_CONTROL_ON) return std::nullopt;
  const int threads = release ? baseline.smt().threads_per_core() : 0;
  return SmtChange{.control = wanted, .threads_per_core = threads};
}

CpuSet HeldOffline(const WantedDevices& wanted) {
  CpuSet held;
  for (const auto& [name, device] : wanted) {
    if (device.change.device.kind == v1::DEVICE_KIND_CPU && !device.change.online) {
      held.insert(device.change.device.number);
    }
  }
  return held;
}

std::vector<WantedDevice> PlanDevices(const WantedDevices& wanted, const Snapshot& snapshot) {
  std::vector<WantedDevice> online;
  std::vector<WantedDevice> offline;
  for (const auto& [name, device] : wanted) {
    if (NeedsNoChange(device, snapshot)) continue;
    (device.change.online ? online : offline).push_back(device);
  }
  std::stable_sort(online.begin(), online.end(), &OnlineBefore);
  const std::map<int, size_t> ranks = OfflineRanks(snapshot.cpus);
  std::stable_sort(offline.begin(), offline.end(),
                   [&ranks](const WantedDevice& a, const WantedDevice& b) {
                     return OfflineBefore(ranks, a, b);
                   });
  online.insert(online.end(), offline.begin(), offline.end());
  return online;
}

std::vector<WantedDevice> PlanMemoryAmount(const v1::NodeSpec& spec, const v1::Baseline& baseline,
                                           const WantedDevices& wanted,
                                           const MemorySnapshot& memory, const NumberSet& tried) {
  if (!spec.has_memory_offline_bytes() || memory.blocks.block_size_bytes == 0) return {};
  const uint64_t block_size = memory.blocks.block_size_bytes;
  const uint64_t target = (spec.memory_offline_bytes() + block_size - 1) / block_size;
  const NumberSet offline = BlocksIn(memory.blocks, v1::DEVICE_STATE_OFFLINE);
  uint64_t counted = 0;
  for (const int block : offline) {
    const auto other = wanted.find(MemoryName(block));
    const bool returns =
        other != wanted.end() && other->second.change.online && other->second.why != Why::kRelease;
    if (!returns) ++counted;
  }
  if (counted > target) return BlocksToReturn(baseline, memory, counted - target, wanted, tried);
  std::vector<WantedDevice> changes;
  for (const int block : MemoryOfflineOrder(memory.blocks, -1, /*kernel_zones=*/false)) {
    if (counted + changes.size() >= target) break;
    const auto other = wanted.find(MemoryName(block));
    const bool spoken_for = other != wanted.end() && other->second.why != Why::kRelease;
    if (tried.count(block) > 0 || spoken_for) continue;
    changes.push_back({{MemoryDevice(block), false}, Why::kSpec, "memory_offline_bytes"});
  }
  return changes;
}

std::optional<v1::DeviceState> StateOf(const DeviceName& device, const Snapshot& snapshot) {
  const auto state = [](bool online) {
    return online ? v1::DEVICE_STATE_ONLINE : v1::DEVICE_STATE_OFFLINE;
  };
  switch (device.kind) {
    case v1::DEVICE_KIND_CPU:
      if (snapshot.cpus.masks.present.count(device.number) == 0) return std::nullopt;
      return state(snapshot.cpus.masks.online.count(device.number) > 0);
    case v1::DEVICE_KIND_MEMORY: {
      if (!snapshot.memory) return std::nullopt;
      const auto found = snapshot.memory->blocks.blocks.find(device.number);
      if (found == snapshot.memory->blocks.blocks.end()) return std::nullopt;
      return found->second.state;
    }
    case v1::DEVICE_KIND_GENERIC:
      for (const GenericDevice& generic : snapshot.generic) {
        if (generic.bus == device.bus && generic.name == device.name) return state(generic.online);
      }
      return std::nullopt;
    default:
      return std::nullopt;
  }
}

v1::Baseline RecordSmt(v1::Baseline baseline, const CpuSnapshot& cpus) {
  if (!baseline.has_smt()) *baseline.mutable_smt() = cpus.smt;
  for (const int cpu : cpus.masks.present) {
    const bool online = cpus.masks.online.count(cpu) > 0;
    // Of one that is off it may not be known which thread of its core it is.
    if (online && !cpus.topology.IsSecondaryThread(cpu)) continue;
    baseline.mutable_devices()->insert(
        {CpuName(cpu), online ? v1::DEVICE_STATE_ONLINE : v1::DEVICE_STATE_OFFLINE});
  }
  return baseline;
}

v1::Baseline RecordDevices(v1::Baseline baseline, const std::vector<WantedDevice>& changes,
                           const Snapshot& snapshot) {
  for (const WantedDevice& wanted : changes) {
    const DeviceName& device = wanted.change.device;
    const std::string name = FormatDeviceName(device);
    if (wanted.why == Why::kHotAdd || baseline.devices().count(name) > 0) continue;
    const std::optional<v1::DeviceState> state = StateOf(device, snapshot);
    // What isn't there, or can't be switched, won't be touched.
    const bool fixed =
        device.kind == v1::DEVICE_KIND_CPU && snapshot.cpus.hotpluggable.count(device.number) == 0;
    if (!state || fixed) continue;
    // Going offline it is still online, and somebody else's act may yet fail.
    const bool offline = *state == v1::DEVICE_STATE_OFFLINE;
    (*baseline.mutable_devices())[name] =
        offline ? v1::DEVICE_STATE_OFFLINE : v1::DEVICE_STATE_ONLINE;
    if (!offline) RecordZone(device, snapshot, &baseline);
  }
  return baseline;
}

v1::Baseline RecordSeenOnline(const v1::NodeSpec& spec, v1::Baseline baseline,
                              const Snapshot& snapshot) {
  // What has left may come again as something new.
  const auto still_there = [](NumberSet seen, const NumberSet& online, const auto& present) {
    for (auto it = seen.begin(); it != seen.end();) {
      it = present(*it) ? std::next(it) : seen.erase(it);
    }
    seen.insert(online.begin(), online.end());
    return FormatNumberList(seen);
  };
  const CpuMasks& masks = snapshot.cpus.masks;
  baseline.set_cpus_seen_online(
      still_there(ListOrNone(baseline.cpus_seen_online(), kCpuListRules), masks.online,
                  [&masks](int cpu) { return masks.present.count(cpu) > 0; }));
  if (!snapshot.memory) return baseline;
  const MemoryBlocks& memory = snapshot.memory->blocks;
  const NumberSet seen = ListOrNone(baseline.memory_seen_online(), kMemoryBlockListRules);
  NumberSet online = BlocksIn(memory, v1::DEVICE_STATE_ONLINE);
  const v1::MemoryZone zone = ZoneOf(spec.memory_hot_add());
  for (const auto& [number, block] : memory.blocks) {
    if (IsMisplaced(block, zone, seen)) online.erase(number);
  }
  baseline.set_memory_seen_online(
      still_there(seen, online, [&memory](int block) { return memory.blocks.count(block) > 0; }));
  return baseline;
}

v1::Baseline ForgetRestored(v1::Baseline baseline, const Snapshot& snapshot,
                            const std::vector<v1::Driver>& drivers,
                            const std::set<std::string>& in_doubt) {
  std::map<std::string, v1::DriverState> driver_states;
  for (const v1::Driver& driver : drivers) {
    driver_states[NormalizeDriverName(driver.name())] = driver.state();
  }
  if (baseline.smt().control() == snapshot.cpus.smt.control() && in_doubt.count("smt") == 0) {
    baseline.clear_smt();
  }
  const v1::Baseline recorded = baseline;
  for (const auto& [device, state] : recorded.devices()) {
    const absl::StatusOr<DeviceName> name = ParseDeviceName(device);
    const std::optional<v1::DeviceState> now = name.ok() ? StateOf(*name, snapshot) : std::nullopt;
    if (now && (*now != state || in_doubt.count(device) > 0)) continue;
    // When SMT comes back the kernel brings up its threads, those too that were off before.
    const bool off = now == v1::DEVICE_STATE_OFFLINE && name->kind == v1::DEVICE_KIND_CPU;
    if (off && baseline.has_smt()) continue;
    baseline.mutable_devices()->erase(device);
    baseline.mutable_zones()->erase(device);
  }
  for (const auto& [driver, state] : recorded.drivers()) {
    const auto now = driver_states.find(driver);
    const bool doubted = in_doubt.count(absl::StrCat("driver/", driver)) > 0;
    if (now == driver_states.end() || (now->second == state && !doubted)) {
      baseline.mutable_drivers()->erase(driver);
    }
  }
  return baseline;
}

bool WantsDrivers(const v1::NodeSpec& spec) {
  return !spec.drivers_active().empty() || !spec.drivers_stopped().empty();
}

std::map<std::string, bool> DriversToRelease(const v1::NodeSpec& spec,
                                             const v1::Baseline& baseline) {
  std::map<std::string, bool> release;
  if (!spec.drivers_active().empty()) return release;
  std::set<std::string> stopped;
  for (const std::string& driver : spec.drivers_stopped()) {
    stopped.insert(NormalizeDriverName(driver));
  }
  for (const auto& [driver, state] : baseline.drivers()) {
    if (stopped.count(driver) == 0) release[driver] = state == v1::DRIVER_STATE_RUNNING;
  }
  return release;
}

}  // namespace hotplugger::agent
