#include "agent/devices/rules/device_checks.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "agent/devices/rules/core_threads.h"
#include "agent/devices/rules/zones.h"
#include "common/cpu_list.h"
#include "common/error_info.h"

namespace hotplugger::agent {
namespace {

PlannedChange Already(const DeviceChange& change) {
  return {change, v1::OUTCOME_ALREADY, absl::OkStatus()};
}

// Ok means that it would be written.
PlannedChange Decide(const DeviceChange& change, absl::Status allowed) {
  if (!allowed.ok()) return RefusedChange(change, std::move(allowed));
  return {change, v1::OUTCOME_CHANGED, absl::OkStatus()};
}

// `message` goes on from the device's name.
absl::Status Precondition(const DeviceName& device, absl::string_view reason,
                          absl::string_view message, absl::string_view retry = "PERMANENT") {
  const std::string name = FormatDeviceName(device);
  return MakeError(absl::StatusCode::kFailedPrecondition, reason, absl::StrCat(name, message),
                   {{"device", name}, {"retry", std::string(retry)}});
}

absl::Status CheckSmtAllows(const DeviceChange& change, const CpuSnapshot& cpus) {
  const int allowed = AllowedThreads(cpus.smt);
  if (!change.online || ThreadOf(cpus.topology, change.device.number) < allowed) {
    return absl::OkStatus();
  }
  switch (cpus.smt.control()) {
    case v1::SMT_CONTROL_FORCEOFF:
      return Precondition(change.device, "SMT_FORCED_OFF",
                          " is a secondary thread of its core, and SMT is off until the next "
                          "reboot (smt/control says forceoff)");
    case v1::SMT_CONTROL_OFF:
      return Precondition(change.device, "SMT_OFF",
                          " is a secondary thread of its core, and SMT is off on this host; turn "
                          "SMT on first");
    default:
      return Precondition(change.device, "SMT_OFF",
                          absl::StrCat(" is a thread too many: SMT is set to ", allowed,
                                       " of each core; turn SMT on first"));
  }
}

PlannedChange CheckOnlineBlock(const DeviceChange& change, const MemoryBlock& block) {
  if (!IsInOtherZone(block, change.zone)) return Already(change);
  return RefusedChange(
      change, Precondition(change.device, "OTHER_ZONE",
                           absl::StrCat(" is online in zone ", absl::StrJoin(block.zones, " "),
                                        "; take it offline first to bring it up in another")));
}

}  // namespace

PlannedChange RefusedChange(const DeviceChange& change, absl::Status why) {
  return {change, v1::OUTCOME_REFUSED, std::move(why)};
}

PlannedChange AbsentDevice(const DeviceChange& change, absl::string_view what_is) {
  const std::string name = FormatDeviceName(change.device);
  return RefusedChange(change,
                       MakeError(absl::StatusCode::kNotFound, "DEVICE_NOT_FOUND",
                                 absl::StrCat(name, " is not present on this host", what_is),
                                 {{"device", name}, {"retry", "PERMANENT"}}));
}

PlannedChange CheckCpuChange(const DeviceChange& change, const CpuSnapshot& cpus,
                             const CpuTotals& totals, const SafetyLimits& limits) {
  const int cpu = change.device.number;
  if (cpus.masks.present.count(cpu) == 0) {
    return AbsentDevice(change, absl::StrCat("; its CPUs are ", FormatCpuList(cpus.masks.present)));
  }
  if ((cpus.masks.online.count(cpu) > 0) == change.online) return Already(change);
  if (cpus.hotpluggable.count(cpu) == 0) {
    return RefusedChange(
        change, Precondition(change.device, "NOT_HOTPLUGGABLE",
                             " has no `online` file: the kernel keeps this CPU as it is for as "
                             "long as the host runs; choose another CPU"));
  }
  absl::Status allowed = CheckDevice(limits, change.device);
  if (allowed.ok()) allowed = CheckSmtAllows(change, cpus);
  if (allowed.ok() && !change.online) allowed = CheckCpusOffline(limits, cpus, totals, {cpu});
  return Decide(change, std::move(allowed));
}

PlannedChange CheckCpuChange(const DeviceChange& change, const CpuSnapshot& cpus,
                             const SafetyLimits& limits) {
  return CheckCpuChange(change, cpus, CpuTotals(cpus), limits);
}

PlannedChange CheckMemoryChange(const DeviceChange& change, const MemorySnapshot& memory,
                                const MemoryTotals& totals, const SafetyLimits& limits) {
  const int number = change.device.number;
  const auto found = memory.blocks.blocks.find(number);
  if (found == memory.blocks.blocks.end()) {
    return AbsentDevice(change, "; hotplugctl --host memory lists the blocks that are");
  }
  const MemoryBlock& block = found->second;
  if (block.state == v1::DEVICE_STATE_GOING_OFFLINE) {
    return RefusedChange(change, Precondition(change.device, "GOING_OFFLINE",
                                              " is going offline just now, by somebody else's act; "
                                              "wait for its end",
                                              "TRANSIENT"));
  }
  const bool online = block.state == v1::DEVICE_STATE_ONLINE;
  if (online && change.online) return CheckOnlineBlock(change, block);
  if (!online && !change.online) return Already(change);
  absl::Status allowed = CheckDevice(limits, change.device);
  if (allowed.ok()) {
    allowed = change.online ? CheckMemoryOnline(limits, memory, number, change.zone)
                            : CheckMemoryOffline(limits, memory, totals, number);
  }
  return Decide(change, std::move(allowed));
}

PlannedChange CheckMemoryChange(const DeviceChange& change, const MemorySnapshot& memory,
                                const SafetyLimits& limits) {
  return CheckMemoryChange(change, memory, MemoryTotals(memory.blocks), limits);
}

PlannedChange CheckGenericChange(const DeviceChange& change, const GenericDevice& device,
                                 const SafetyLimits& limits) {
  if (device.online == change.online) return Already(change);
  absl::Status allowed = CheckDevice(limits, change.device);
  if (allowed.ok() && !change.online && !device.online_descendants.empty()) {
    const std::string name = FormatDeviceName(change.device);
    allowed = MakeError(absl::StatusCode::kFailedPrecondition, "CHILD_ONLINE",
                        absl::StrCat(name, " has devices below it that are online: ",
                                     absl::StrJoin(device.online_descendants, ", "),
                                     "; take those offline first (EBUSY)"),
                        {{"device", name},
                         {"children", absl::StrJoin(device.online_descendants, " ")},
                         {"retry", "CONDITIONAL"}});
  }
  return Decide(change, std::move(allowed));
}

}  // namespace hotplugger::agent
