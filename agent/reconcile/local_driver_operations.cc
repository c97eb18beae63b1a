#include "agent/reconcile/local_driver_operations.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "agent/reconcile/held_by_spec.h"
#include "common/clock.h"
#include "common/driver_rules.h"
#include "common/error_info.h"
#include "common/status_macros.h"

namespace hotplugger::agent {
namespace {

template <typename Response>
absl::StatusOr<Response> WithResults(SwitchResult switched) {
  RETURN_IF_ERROR(switched.status);
  Response response;
  for (v1::ItemResult& item : switched.items) *response.add_results() = std::move(item);
  return response;
}

}  // namespace

// A spec that only stops some drivers leaves the others to whoever is on the host.
absl::Status LocalDriverOperations::PrepareDrivers(const std::vector<std::string>& drivers) {
  RETURN_IF_ERROR(host_.SyncDrivers());
  ASSIGN_OR_RETURN(const v1::NodeSpec spec, host_.Spec());
  if (!spec.drivers_active().empty()) {
    return HeldBySpec("the drivers of this host are",
                      SourcesOf(host_.state(), "drivers_active", "driver"));
  }
  for (const std::string& driver : drivers) {
    for (const std::string& stopped : spec.drivers_stopped()) {
      if (!absl::EqualsIgnoreCase(driver, stopped)) continue;
      return HeldBySpec(absl::StrCat("driver ", stopped, " is stopped"),
                        SourcesOf(host_.state(), "drivers_stopped",
                                  absl::StrCat("driver/", NormalizeDriverName(stopped))));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<v1::ListDriversResponse> LocalDriverOperations::ListDrivers() {
  RETURN_IF_ERROR(host_.SyncDrivers());
  v1::ListDriversResponse response;
  for (v1::Driver& driver : host_.drivers().List()) *response.add_drivers() = std::move(driver);
  response.set_switching(host_.drivers().switching() ? v1::SWITCH_ON : v1::SWITCH_OFF);
  for (std::string& warning : host_.drivers().Warnings()) {
    response.add_warnings(std::move(warning));
  }
  return response;
}

absl::StatusOr<v1::EnableDriverResponse> LocalDriverOperations::EnableDriver(
    const std::string& driver) {
  RETURN_IF_ERROR(PrepareDrivers({driver}));
  return WithResults<v1::EnableDriverResponse>(
      host_.drivers().EnableOne(driver, SteadyNow() + kSwitchDeadline));
}

absl::StatusOr<v1::DisableDriverResponse> LocalDriverOperations::DisableDriver(
    const std::string& driver) {
  // To stop what is to be stopped is no contradiction.
  RETURN_IF_ERROR(PrepareDrivers({}));
  return WithResults<v1::DisableDriverResponse>(
      host_.drivers().DisableOne(driver, SteadyNow() + kSwitchDeadline));
}

absl::StatusOr<v1::SwitchDriversResponse> LocalDriverOperations::SwitchDrivers(
    const v1::SwitchDriversRequest& request) {
  RETURN_IF_ERROR(PrepareDrivers({request.active().begin(), request.active().end()}));
  return WithResults<v1::SwitchDriversResponse>(host_.drivers().SwitchDrivers(
      {request.active().begin(), request.active().end()},
      {request.stopped().begin(), request.stopped().end()}, SteadyNow() + kSwitchDeadline));
}

absl::StatusOr<v1::SetSwitchingResponse> LocalDriverOperations::SetSwitching(v1::Switch switching) {
  if (switching != v1::SWITCH_ON && switching != v1::SWITCH_OFF) {
    return MakeFieldErrors({{"switching", "absent or unknown; it must be ON or OFF"}});
  }
  ASSIGN_OR_RETURN(const v1::NodeSpec spec, host_.Spec());
  if (spec.switching() != v1::SWITCH_UNSPECIFIED && spec.switching() != switching) {
    return HeldBySpec("switching is", SourcesOf(host_.state(), "switching", "switching"));
  }
  RETURN_IF_ERROR(host_.SetSwitching(switching == v1::SWITCH_ON));
  v1::SetSwitchingResponse response;
  response.set_switching(switching);
  return response;
}

}  // namespace hotplugger::agent
