#include "agent/reconcile/local_operations.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "agent/devices/device_name.h"
#include "agent/reconcile/plan.h"
#include "common/error_info.h"
#include "common/status_macros.h"

namespace hotplugger::agent {
namespace {

constexpr absl::Duration kSwitchDeadline = absl::Seconds(60);

// Who wants a setting of the spec, for a message.
std::string SourcesOf(const v1::AgentState& state, absl::string_view setting,
                      absl::string_view subject) {
  std::vector<std::string> sources;
  for (const v1::SettingSource& source : state.spec_sources()) {
    if (source.setting() == setting || source.setting() == subject ||
        (subject == "driver" && absl::StartsWith(source.setting(), "driver/"))) {
      sources.push_back(source.source());
    }
  }
  return sources.empty() ? "its controller" : absl::StrJoin(sources, ", ");
}

absl::Status HeldBySpec(absl::string_view what, const std::string& sources) {
  return MakeError(absl::StatusCode::kFailedPrecondition, "HELD_BY_SPEC",
                   absl::StrCat(what, " as ", sources,
                                " wants; change that, or set a hold at the controller, for the "
                                "agent would undo a local change"),
                   {{"sources", sources}});
}

bool Contains(const std::string& list, int cpu) {
  const absl::StatusOr<CpuSet> cpus = ParseCpuList(list);
  return cpus.ok() && cpus->count(cpu) > 0;
}

template <typename Response>
absl::StatusOr<Response> WithResults(SwitchResult switched) {
  RETURN_IF_ERROR(switched.status);
  Response response;
  for (v1::ItemResult& item : switched.items) *response.add_results() = std::move(item);
  return response;
}

}  // namespace

absl::StatusOr<v1::NodeSpec> LocalOperations::Spec() const {
  v1::NodeSpec spec;
  if (spec.ParseFromString(host_.state().spec_body())) return spec;
  return MakeError(absl::StatusCode::kDataLoss, "STATE_DAMAGED", "the saved spec can't be parsed");
}

absl::Status LocalOperations::PrepareDrivers() {
  RETURN_IF_ERROR(host_.SyncDrivers());
  ASSIGN_OR_RETURN(const v1::NodeSpec spec, Spec());
  if (!WantsDrivers(spec)) return absl::OkStatus();
  const absl::string_view setting =
      spec.drivers_active().empty() ? "drivers_stopped" : "drivers_active";
  return HeldBySpec("the drivers of this host are", SourcesOf(host_.state(), setting, "driver"));
}

absl::StatusOr<v1::ListDevicesResponse> LocalOperations::ListDevices() {
  ASSIGN_OR_RETURN(v1::Inventory inventory, host_.ReadInventory());
  v1::ListDevicesResponse response;
  *response.mutable_devices() = std::move(*inventory.mutable_devices());
  return response;
}

absl::StatusOr<v1::ItemResult> LocalOperations::SetDeviceOnline(const std::string& device,
                                                                bool online) {
  ASSIGN_OR_RETURN(const DeviceName name, ParseDeviceName(device));
  ASSIGN_OR_RETURN(const v1::NodeSpec spec, Spec());
  if (online && Contains(spec.cpu_offline(), name.number)) {
    return HeldBySpec(absl::StrCat(device, " is offline"),
                      SourcesOf(host_.state(), "cpu_offline", device));
  }
  if (!online && Contains(spec.cpu_online(), name.number)) {
    return HeldBySpec(absl::StrCat(device, " is online"),
                      SourcesOf(host_.state(), "cpu_online", device));
  }
  return host_.devices().SetOnline(device, online);
}

absl::StatusOr<v1::ListDriversResponse> LocalOperations::ListDrivers() {
  RETURN_IF_ERROR(host_.SyncDrivers());
  v1::ListDriversResponse response;
  for (v1::Driver& driver : host_.drivers().List()) *response.add_drivers() = std::move(driver);
  response.set_switching(host_.drivers().switching() ? v1::SWITCH_ON : v1::SWITCH_OFF);
  for (std::string& warning : host_.drivers().Warnings()) {
    response.add_warnings(std::move(warning));
  }
  return response;
}

absl::StatusOr<v1::EnableDriverResponse> LocalOperations::EnableDriver(const std::string& driver) {
  RETURN_IF_ERROR(PrepareDrivers());
  return WithResults<v1::EnableDriverResponse>(
      host_.drivers().EnableOne(driver, absl::Now() + kSwitchDeadline));
}

absl::StatusOr<v1::DisableDriverResponse> LocalOperations::DisableDriver(
    const std::string& driver) {
  RETURN_IF_ERROR(PrepareDrivers());
  return WithResults<v1::DisableDriverResponse>(
      host_.drivers().DisableOne(driver, absl::Now() + kSwitchDeadline));
}

absl::StatusOr<v1::SwitchDriversResponse> LocalOperations::SwitchDrivers(
    const v1::SwitchDriversRequest& request) {
  RETURN_IF_ERROR(PrepareDrivers());
  return WithResults<v1::SwitchDriversResponse>(host_.drivers().SwitchDrivers(
      {request.active().begin(), request.active().end()},
      {request.stopped().begin(), request.stopped().end()}, absl::Now() + kSwitchDeadline));
}

absl::StatusOr<v1::SetSwitchingResponse> LocalOperations::SetSwitching(v1::Switch switching) {
  if (switching != v1::SWITCH_ON && switching != v1::SWITCH_OFF) {
    return MakeFieldErrors({{"switching", "absent or unknown; it must be ON or OFF"}});
  }
  ASSIGN_OR_RETURN(const v1::NodeSpec spec, Spec());
  if (spec.switching() != v1::SWITCH_UNSPECIFIED && spec.switching() != switching) {
    return HeldBySpec("switching is", SourcesOf(host_.state(), "switching", "switching"));
  }
  RETURN_IF_ERROR(host_.SetSwitching(switching == v1::SWITCH_ON));
  v1::SetSwitchingResponse response;
  response.set_switching(switching);
  return response;
}

}  // namespace hotplugger::agent
