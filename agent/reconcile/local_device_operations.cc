#include "agent/reconcile/local_device_operations.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "agent/devices/inventory/device_reader.h"
#include "agent/devices/inventory/generic_device.h"
#include "agent/devices/operations/group_operation.h"
#include "agent/devices/rules/device_plan.h"
#include "agent/devices/rules/item_result.h"
#include "agent/devices/rules/target.h"
#include "agent/reconcile/change_request.h"
#include "agent/reconcile/explanation.h"
#include "agent/reconcile/held_by_spec.h"
#include "agent/reconcile/lenient_settings.h"
#include "common/error_info.h"
#include "common/status_macros.h"

namespace hotplugger::agent {
namespace {

bool IsTransient(const absl::Status& status) {
  return FailedItem("", status).retry() == v1::RETRY_CLASS_TRANSIENT;
}

v1::ItemResult SkippedItem(const DeviceName& device) {
  v1::ItemResult item = DoneItem(FormatDeviceName(device), v1::OUTCOME_SKIPPED);
  item.set_reason("GROUP_FAILED");
  item.set_message("not tried: another device of this all-or-nothing group can't be changed");
  return item;
}

v1::ItemResult ToItem(const PlannedChange& step) {
  const std::string name = FormatDeviceName(step.change.device);
  if (!step.refusal.ok()) return FailedItem(name, step.refusal);
  return DoneItem(name, step.outcome);
}

// What the kernel refused for good the last time it would refuse again.
void AddLastRefusal(v1::ExplainDeviceResponse* explanation) {
  if (explanation->operations().empty()) return;
  const v1::OperationRecord& last = explanation->operations(0);
  const v1::ItemResult& result = last.result();
  const bool for_good = result.outcome() == v1::OUTCOME_FAILED && result.error_number() != 0 &&
                        result.retry() == v1::RETRY_CLASS_PERMANENT;
  if (!for_good) return;
  *(last.wanted() == v1::DEVICE_STATE_ONLINE ? explanation->add_online_obstacles()
                                             : explanation->add_offline_obstacles()) = result;
}

const v1::ChangeOptions& OptionsOf(const v1::PlanDevicesRequest& request) {
  if (request.has_smt()) return request.smt().options();
  return request.has_online() ? request.online().options() : request.offline().options();
}

}  // namespace

// What is below a generic device stops it; of the others it isn't looked up.
absl::Status LocalDeviceOperations::AddDescendants(const DeviceName& device, Snapshot* snapshot) {
  for (GenericDevice& generic : snapshot->generic) {
    if (generic.bus != device.bus || generic.name != device.name) continue;
    ASSIGN_OR_RETURN(generic.online_descendants,
                     FindOnlineDescendants(host_.reader().tree(), device.bus, device.name));
  }
  return absl::OkStatus();
}

// What a change of `target` depends on; all of the host where a plan's stamp must be compared.
absl::StatusOr<Snapshot> LocalDeviceOperations::ReadFor(const v1::DeviceTarget& target,
                                                        const v1::ChangeOptions& options) {
  if (options.has_plan()) return host_.ReadSnapshot();
  return host_.reader().ReadFor(IsMemoryTarget(target) ? v1::DEVICE_KIND_MEMORY
                                                       : v1::DEVICE_KIND_CPU);
}

absl::StatusOr<std::vector<LocalDeviceOperations::CheckedChange>> LocalDeviceOperations::Resolve(
    const v1::DeviceTarget& target, bool online, v1::MemoryZone zone,
    const Snapshot& snapshot) const {
  ASSIGN_OR_RETURN(DeviceChanges changes, ResolveTarget(target, online, zone, snapshot));
  ASSIGN_OR_RETURN(const v1::NodeSpec spec, host_.Spec());
  const WantedDevices wanted = WantedOf(spec, host_.state().baseline(), snapshot);
  std::vector<CheckedChange> checked;
  for (DeviceChange& change : changes) {
    absl::Status held = CheckHeld(change, wanted, spec, host_.state());
    checked.push_back({std::move(change), std::move(held)});
  }
  return checked;
}

absl::StatusOr<v1::ItemResult> LocalDeviceOperations::ChangeOne(const CheckedChange& checked,
                                                                absl::Duration deadline) {
  const auto try_it = [&]() -> absl::StatusOr<v1::ItemResult> {
    RETURN_IF_ERROR(checked.held);
    return host_.devices().Change(
        checked.change, {.deadline = deadline, .origin = OperationOrigin::kPerson, .count = false});
  };
  absl::StatusOr<v1::ItemResult> result = try_it();
  // As in a group: the kernel's "not now" is worth a second try (kernel 1.3).
  if (IsTransient(result.status())) result = try_it();
  host_.devices().Count(checked.change, result.ok() ? *result : FailedItem("", result.status()));
  return result;
}

void LocalDeviceOperations::NoteOffline(std::vector<v1::ItemResult>* items) {
  for (v1::ItemResult& item : *items) {
    const absl::StatusOr<DeviceName> name = ParseDeviceName(item.subject());
    const bool cpu = name.ok() && name->kind == v1::DEVICE_KIND_CPU;
    if (!cpu || item.outcome() != v1::OUTCOME_ALREADY) continue;
    const absl::Status noted = host_.devices().NoteOffline(item.subject());
    if (!noted.ok()) item = FailedItem(item.subject(), noted);
  }
}

absl::StatusOr<std::vector<v1::ItemResult>> LocalDeviceOperations::Change(
    const v1::DeviceTarget& target, const v1::ChangeOptions& options, bool online,
    v1::MemoryZone zone) {
  ASSIGN_OR_RETURN(GroupOptions group, ReadChangeOptions(options));
  // Whole cores: all threads or none.
  if (options.group() == v1::GROUP_MODE_UNSPECIFIED &&
      target.target_case() == v1::DeviceTarget::kCores) {
    group.mode = v1::GROUP_MODE_ALL_OR_NOTHING;
  }
  group.stopped = stopped_;
  group.origin = OperationOrigin::kPerson;
  ASSIGN_OR_RETURN(const Snapshot snapshot, ReadFor(target, options));
  if (options.has_plan()) RETURN_IF_ERROR(CheckStamp(options.plan(), snapshot));
  ASSIGN_OR_RETURN(const std::vector<CheckedChange> checked,
                   Resolve(target, online, zone, snapshot));
  if (target.target_case() == v1::DeviceTarget::kDevice && checked.size() == 1) {
    ASSIGN_OR_RETURN(v1::ItemResult item, ChangeOne(checked[0], group.deadline));
    std::vector<v1::ItemResult> items = {std::move(item)};
    if (!online) NoteOffline(&items);
    return items;
  }
  const bool any_held = std::any_of(checked.begin(), checked.end(),
                                    [](const auto& change) { return !change.held.ok(); });
  const bool nothing = any_held && group.mode == v1::GROUP_MODE_ALL_OR_NOTHING;
  DeviceChanges changes;
  for (const CheckedChange& change : checked) {
    if (change.held.ok() && !nothing) changes.push_back(change.change);
  }
  std::vector<v1::ItemResult> done = RunGroup(host_.devices(), changes, group);
  // A group of which something failed has decided nothing.
  const bool decides = group.mode != v1::GROUP_MODE_ALL_OR_NOTHING ||
                       std::all_of(done.begin(), done.end(), Succeeded);
  if (!online && decides) NoteOffline(&done);
  std::vector<v1::ItemResult> items;
  auto next = done.begin();
  for (const CheckedChange& change : checked) {
    if (change.held.ok() && !nothing) {
      items.push_back(std::move(*next++));
      continue;
    }
    items.push_back(change.held.ok()
                        ? SkippedItem(change.change.device)
                        : FailedItem(FormatDeviceName(change.change.device), change.held));
    host_.devices().Count(change.change, items.back());
  }
  return items;
}

absl::StatusOr<v1::OfflineDevicesResponse> LocalDeviceOperations::OfflineDevices(
    const v1::OfflineDevicesRequest& request) {
  ASSIGN_OR_RETURN(
      std::vector<v1::ItemResult> items,
      Change(request.target(), request.options(), /*online=*/false, v1::MEMORY_ZONE_UNSPECIFIED));
  v1::OfflineDevicesResponse response;
  for (v1::ItemResult& item : items) *response.add_results() = std::move(item);
  return response;
}

absl::StatusOr<v1::OnlineDevicesResponse> LocalDeviceOperations::OnlineDevices(
    const v1::OnlineDevicesRequest& request) {
  ASSIGN_OR_RETURN(std::vector<v1::ItemResult> items,
                   Change(request.target(), request.options(), /*online=*/true, request.zone()));
  v1::OnlineDevicesResponse response;
  for (v1::ItemResult& item : items) *response.add_results() = std::move(item);
  return response;
}

absl::Status LocalDeviceOperations::CheckStamp(const v1::PlanStamp& stamp,
                                               const Snapshot& snapshot) const {
  if (stamp.boot_id() != host_.boot_id()) {
    return MakeError(absl::StatusCode::kAborted, "STALE_PLAN",
                     absl::StrCat("the plan was made in boot ", stamp.boot_id(), "; this is boot ",
                                  host_.boot_id(), "; make a new plan"),
                     {{"boot_id", host_.boot_id()}});
  }
  const std::string digest = InventoryDigest(snapshot);
  if (stamp.inventory_digest() == digest) return absl::OkStatus();
  return MakeError(
      absl::StatusCode::kAborted, "STALE_PLAN",
      absl::StrCat("devices have changed since the plan was made (inventory ",
                   stamp.inventory_digest(), " then, ", digest, " now); make a new plan"),
      {{"inventory_digest", digest}});
}

absl::Status LocalDeviceOperations::CheckSmtHeld(const v1::SetSmtRequest& request,
                                                 const Snapshot& snapshot) const {
  ASSIGN_OR_RETURN(const v1::NodeSpec spec, host_.Spec());
  const bool enforced = spec.smt() != v1::SMT_CONTROL_UNSPECIFIED &&
                        !LenientSettings::ReportedDrift(spec).Covers("smt", "smt");
  if (enforced && spec.smt() != request.control()) {
    return HeldBySpec("SMT is", SourcesOf(host_.state(), "smt", "smt"));
  }
  if (request.control() == v1::SMT_CONTROL_ON) return absl::OkStatus();
  // It would take threads that are held online, and they could not come back.
  const WantedDevices wanted = WantedOf(spec, host_.state().baseline(), snapshot);
  for (const auto& [name, device] : wanted) {
    const bool thread = device.change.device.kind == v1::DEVICE_KIND_CPU &&
                        snapshot.cpus.topology.IsSecondaryThread(device.change.device.number);
    if (!thread || !device.change.online || device.why != WantedDevice::Why::kSpec) continue;
    return HeldBySpec(absl::StrCat(name, ", a secondary thread, is kept online"),
                      SourcesOf(host_.state(), device.setting, name));
  }
  return absl::OkStatus();
}

absl::StatusOr<v1::SetSmtResponse> LocalDeviceOperations::SetSmt(const v1::SetSmtRequest& request) {
  ASSIGN_OR_RETURN(const SmtChange change, ReadSmtChange(request));
  ASSIGN_OR_RETURN(const GroupOptions options, ReadChangeOptions(request.options()));
  if (request.options().group() != v1::GROUP_MODE_UNSPECIFIED) {
    return MakeFieldErrors({{"options.group",
                             "is set, but SMT is one act of the kernel's, which stops at the first "
                             "thread that fails; leave it out"}});
  }
  ASSIGN_OR_RETURN(const Snapshot snapshot, host_.ReadSnapshot());
  if (request.options().has_plan()) {
    RETURN_IF_ERROR(CheckStamp(request.options().plan(), snapshot));
  }
  if (const absl::Status held = CheckSmtHeld(request, snapshot); !held.ok()) {
    host_.devices().Count(change, FailedItem("smt", held));
    return held;
  }
  ASSIGN_OR_RETURN(const v1::NodeSpec spec, host_.Spec());
  const CpuSet held = HeldOffline(WantedOf(spec, host_.state().baseline(), snapshot));
  ASSIGN_OR_RETURN(
      std::vector<v1::ItemResult> items,
      host_.devices().SetSmt(change, held, options.deadline, OperationOrigin::kPerson));
  v1::SetSmtResponse response;
  for (v1::ItemResult& item : items) *response.add_results() = std::move(item);
  return response;
}

absl::StatusOr<ChangePlan> LocalDeviceOperations::PlanSmtRequest(const v1::SetSmtRequest& request,
                                                                 const Snapshot& snapshot) const {
  ASSIGN_OR_RETURN(const SmtChange change, ReadSmtChange(request));
  RETURN_IF_ERROR(CheckSmtHeld(request, snapshot));
  ASSIGN_OR_RETURN(const v1::NodeSpec spec, host_.Spec());
  const CpuSet held = HeldOffline(WantedOf(spec, host_.state().baseline(), snapshot));
  return PlanSmt(change, held, snapshot, host_.devices().limits());
}

absl::StatusOr<v1::PlanDevicesResponse> LocalDeviceOperations::PlanDevices(
    const v1::PlanDevicesRequest& request) {
  if (request.change_case() == v1::PlanDevicesRequest::CHANGE_NOT_SET) {
    return MakeFieldErrors({{"change", "is absent; set offline, online or smt"}});
  }
  const v1::ChangeOptions& options = OptionsOf(request);
  RETURN_IF_ERROR(ReadChangeOptions(options).status());
  ASSIGN_OR_RETURN(Snapshot snapshot, host_.ReadSnapshot());
  if (options.has_plan()) RETURN_IF_ERROR(CheckStamp(options.plan(), snapshot));
  const absl::StatusOr<DeviceName> named = ParseDeviceName(request.offline().target().device());
  if (named.ok()) RETURN_IF_ERROR(AddDescendants(*named, &snapshot));
  v1::PlanDevicesResponse response;
  v1::DevicePlan& plan = *response.mutable_plan();
  ChangePlan planned;
  std::vector<CheckedChange> held;
  if (request.has_smt()) {
    ASSIGN_OR_RETURN(planned, PlanSmtRequest(request.smt(), snapshot));
  } else {
    const bool online = request.has_online();
    ASSIGN_OR_RETURN(
        const std::vector<CheckedChange> checked,
        Resolve(online ? request.online().target() : request.offline().target(), online,
                online ? request.online().zone() : v1::MEMORY_ZONE_UNSPECIFIED, snapshot));
    DeviceChanges changes;
    for (const CheckedChange& change : checked) {
      if (change.held.ok()) {
        changes.push_back(change.change);
      } else {
        *plan.add_steps() = FailedItem(FormatDeviceName(change.change.device), change.held);
      }
    }
    planned = PlanChanges(changes, snapshot, host_.devices().limits());
  }
  for (const PlannedChange& step : planned.steps) *plan.add_steps() = ToItem(step);
  *plan.mutable_before() = planned.before;
  *plan.mutable_after() = planned.after;
  for (std::string& note : planned.notes) plan.add_notes(std::move(note));
  plan.mutable_stamp()->set_boot_id(host_.boot_id());
  plan.mutable_stamp()->set_inventory_digest(InventoryDigest(snapshot));
  return response;
}

absl::StatusOr<v1::ExplainDeviceResponse> LocalDeviceOperations::ExplainDevice(
    const v1::ExplainDeviceRequest& request) {
  ASSIGN_OR_RETURN(const DeviceName name, ParseDeviceName(request.device()));
  ASSIGN_OR_RETURN(Snapshot snapshot, host_.ReadSnapshot());
  RETURN_IF_ERROR(AddDescendants(name, &snapshot));
  ASSIGN_OR_RETURN(const v1::NodeSpec spec, host_.Spec());
  ASSIGN_OR_RETURN(v1::ExplainDeviceResponse explanation,
                   Explain(name, {.snapshot = snapshot,
                                  .spec = spec,
                                  .state = host_.state(),
                                  .limits = host_.devices().limits()}));
  constexpr size_t kMaxOperations = 10;
  for (v1::OperationRecord& record :
       host_.devices().journal().OperationsOf(request.device(), kMaxOperations)) {
    *explanation.add_operations() = std::move(record);
  }
  AddLastRefusal(&explanation);
  return explanation;
}

}  // namespace hotplugger::agent
