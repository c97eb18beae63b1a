#include "agent/reconcile/host_cpu_control.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "agent/devices/rules/device_name.h"
#include "agent/reconcile/parked_cpus.h"
#include "agent/reconcile/plan.h"
#include "common/cpu_list.h"
#include "common/status_macros.h"

namespace hotplugger::agent {
namespace {

CpuSet DecidedBySpec(const v1::NodeSpec& spec, const v1::Baseline& baseline,
                     const Snapshot& snapshot, const CpuSet& parked) {
  CpuSet decided;
  for (const auto& [name, device] : WantedOf(spec, baseline, snapshot)) {
    if (device.change.device.kind != v1::DEVICE_KIND_CPU) continue;
    const int cpu = device.change.device.number;
    if (parked.count(cpu) == 0 || baseline.devices().count(name) > 0) decided.insert(cpu);
  }
  return decided;
}

}  // namespace

absl::StatusOr<CpuControl::View> HostCpuControl::Look() {
  View view;
  view.parked = AllParkedCpus(host_->state());
  ASSIGN_OR_RETURN(const v1::NodeSpec spec, host_->Spec());
  Snapshot snapshot;
  ASSIGN_OR_RETURN(snapshot.cpus, host_->reader().ReadCpus());
  view.decided = DecidedBySpec(spec, host_->state().baseline(), snapshot, view.parked);
  const Journal& journal = host_->devices().journal();
  for (const int cpu : snapshot.cpus.masks.present) {
    const bool offline = snapshot.cpus.masks.online.count(cpu) == 0;
    if (!offline) continue;
    const std::optional<OperationOrigin> taken_by = journal.TakenOfflineBy(CpuName(cpu));
    if (taken_by && IsDecision(*taken_by)) view.decided.insert(cpu);
  }
  view.cpus = std::move(snapshot.cpus);
  return view;
}

absl::StatusOr<v1::ItemResult> HostCpuControl::Change(int cpu, bool online, absl::Time deadline) {
  DeviceChange change;
  ASSIGN_OR_RETURN(change.device, ParseDeviceName(CpuName(cpu)));
  change.online = online;
  return host_->devices().Change(
      change, {.deadline = deadline - SteadyNow(), .origin = OperationOrigin::kDriver});
}

ParkingRecord HostCpuControl::LoadParking(const std::string& driver) {
  ParkingRecord record;
  const auto found = host_->state().builtin_drivers().find(driver);
  if (found == host_->state().builtin_drivers().end()) return record;
  record.running = found->second.running();
  // What doesn't parse was not written by an agent; there is nothing to give back then.
  record.parked = ParseCpuList(found->second.parked_cpus()).value_or(CpuSet());
  return record;
}

absl::Status HostCpuControl::SaveParking(const std::string& driver, const ParkingRecord& record) {
  v1::AgentState state = host_->state();
  if (!record.running && record.parked.empty()) {
    if (state.mutable_builtin_drivers()->erase(driver) == 0) return absl::OkStatus();
  } else {
    v1::BuiltinDriver& saved = (*state.mutable_builtin_drivers())[driver];
    saved.set_running(record.running);
    saved.set_parked_cpus(FormatCpuList(record.parked));
  }
  // That CPUs are to be parked must be known to the next agent, or they would stay so for ever.
  const CpuSet before = LoadParking(driver).parked;
  const bool parks_more =
      !std::includes(before.begin(), before.end(), record.parked.begin(), record.parked.end());
  if (parks_more) return host_->SaveState(std::move(state));
  host_->KeepState(std::move(state));
  return absl::OkStatus();
}

}  // namespace hotplugger::agent
