// The part of device_plan.h that concerns SMT.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "agent/devices/rules/core_threads.h"
#include "agent/devices/rules/device_plan.h"
#include "agent/devices/rules/limit_totals.h"
#include "agent/devices/rules/plan_notes.h"
#include "common/error_info.h"
#include "common/status_macros.h"

namespace hotplugger::agent {
namespace {

absl::Status CheckRequest(const SmtChange& change) {
  const bool partial = change.control == v1::SMT_CONTROL_PARTIAL;
  std::vector<FieldViolation> violations;
  if (change.control != v1::SMT_CONTROL_ON && change.control != v1::SMT_CONTROL_OFF &&
      change.control != v1::SMT_CONTROL_FORCEOFF && !partial) {
    violations.push_back({"control", absl::StrCat(static_cast<int>(change.control),
                                                  " is none of ON, OFF, FORCEOFF and PARTIAL")});
  }
  if (partial && change.threads_per_core < 1) {
    violations.push_back(
        {"threads_per_core",
         absl::StrCat(change.threads_per_core, " is below 1; PARTIAL takes 1 or more")});
  }
  if (!partial && change.threads_per_core != 0) {
    violations.push_back({"threads_per_core", absl::StrCat(change.threads_per_core,
                                                           " is set, but only PARTIAL takes it")});
  }
  return MakeFieldErrors(violations);
}

absl::Status CheckSupport(const SmtChange& change, const v1::SmtStatus& smt) {
  const auto error = [](absl::string_view reason, absl::string_view message) {
    return MakeError(absl::StatusCode::kFailedPrecondition, reason, message,
                     {{"device", "smt"}, {"retry", "PERMANENT"}});
  };
  switch (smt.control()) {
    case v1::SMT_CONTROL_NOT_SUPPORTED:
      return error("SMT_NOT_SUPPORTED",
                   "this host has no SMT to control: its CPUs have none, its firmware has it "
                   "disabled, or its kernel has no smt/control");
    case v1::SMT_CONTROL_NOT_IMPLEMENTED:
      return error("SMT_NOT_SUPPORTED",
                   "this host's kernel can't control SMT (smt/control says notimplemented)");
    case v1::SMT_CONTROL_FORCEOFF:
      if (change.control == v1::SMT_CONTROL_FORCEOFF) return absl::OkStatus();
      return error("SMT_FORCED_OFF",
                   "SMT is off until the next reboot (smt/control says forceoff); reboot first");
    default:
      return absl::OkStatus();
  }
}

bool IsCoreOnline(const CpuSnapshot& cpus, int cpu) {
  const CpuSet core = cpus.topology.CoreCpus(cpu);
  return std::any_of(core.begin(), core.end(),
                     [&cpus](int thread) { return cpus.masks.online.count(thread) > 0; });
}

// What the kernel does by itself (kernel 2.3). Downwards every thread goes that is one too many;
// upwards every thread comes that is allowed and whose core is in use, the first one too. But for
// those held, which are put back.
DeviceChanges CpusOf(const SmtChange& change, const CpuSet& held_offline, const CpuSnapshot& cpus) {
  const int threads = AllowedThreads(change.control, change.threads_per_core);
  const bool upwards = threads > AllowedThreads(cpus.smt);
  DeviceChanges changes;
  for (const int cpu : cpus.masks.present) {
    const bool online = cpus.masks.online.count(cpu) > 0;
    const bool allowed = ThreadOf(cpus.topology, cpu) < threads;
    if (!upwards && online && !allowed) changes.push_back({CpuDevice(cpu), false});
    if (upwards && !online && allowed && held_offline.count(cpu) == 0 && IsCoreOnline(cpus, cpu)) {
      changes.push_back({CpuDevice(cpu), true});
    }
  }
  return changes;
}

// The kernel takes them all, so one that must stay as it is stops the whole.
absl::Status CheckProtected(const DeviceChanges& changes, const SafetyLimits& limits) {
  SafetyLimits protection;
  protection.protected_devices = limits.protected_devices;
  for (const DeviceChange& change : changes) {
    RETURN_IF_ERROR(CheckDevice(protection, change.device));
  }
  return absl::OkStatus();
}

v1::Capacity Count(const Snapshot& snapshot) {
  v1::Capacity capacity;
  capacity.set_cpus(static_cast<int32_t>(snapshot.cpus.masks.online.size()));
  if (snapshot.memory) capacity.set_memory_bytes(MemoryTotals(snapshot.memory->blocks).online);
  return capacity;
}

}  // namespace

absl::StatusOr<ChangePlan> PlanSmt(const SmtChange& change, const CpuSet& held_offline,
                                   const Snapshot& snapshot, const SafetyLimits& limits) {
  RETURN_IF_ERROR(CheckRequest(change));
  DeviceName smt;
  smt.kind = v1::DEVICE_KIND_SMT;
  RETURN_IF_ERROR(CheckDevice(limits, smt));
  RETURN_IF_ERROR(CheckSupport(change, snapshot.cpus.smt));
  const DeviceChanges changes = CpusOf(change, held_offline, snapshot.cpus);
  RETURN_IF_ERROR(CheckProtected(changes, limits));
  Snapshot after = snapshot;
  CpuSet& online = after.cpus.masks.online;
  CpuSet gone;
  ChangePlan plan;
  for (const DeviceChange& cpu : changes) {
    const int number = cpu.device.number;
    if (cpu.online) {
      online.insert(number);
    } else {
      online.erase(number);
      gone.insert(number);
    }
    plan.steps.push_back({cpu, v1::OUTCOME_CHANGED, absl::OkStatus()});
  }
  RETURN_IF_ERROR(CheckCpusOffline(limits, snapshot.cpus, gone));
  plan.before = Count(snapshot);
  plan.after = Count(after);
  plan.notes = NotesOnCpus(snapshot.cpus, after.cpus, /*whole_host=*/true);
  return plan;
}

}  // namespace hotplugger::agent
