#include <memory>

#include "client/commands/host/change_options.h"
#include "client/commands/host/device_plan.h"
#include "client/commands/host/device_selection.h"
#include "client/commands/host/verbs.h"
#include "client/item_results.h"
#include "common/status_macros.h"

namespace hotplugger::client::host {
namespace {

struct Flags {
  SelectionFlags selection;
  ChangeFlags change;
};

absl::StatusOr<ExitCode> Offline(const Flags& flags, Session& session) {
  Violations violations;
  v1::OfflineDevicesRequest request;
  *request.mutable_target() = ReadSelection(flags.selection, &violations);
  *request.mutable_options() = ReadChangeOptions(flags.change, &violations);
  RETURN_IF_ERROR(MakeFieldErrors(violations));
  if (flags.change.dry_run) {
    v1::PlanDevicesRequest plan;
    *plan.mutable_offline() = request;
    return ShowPlan(plan, session);
  }
  const absl::StatusOr<v1::OfflineDevicesResponse> response = session.host->OfflineDevices(request);
  if (!response.ok()) return NameFlags(response.status());
  return PrintResults(*response, response->results(), session);
}

}  // namespace

Action DeclareOffline(Arguments& arguments) {
  auto flags = std::make_shared<Flags>();
  DeclareSelection(arguments, &flags->selection);
  DeclareChangeOptions(arguments, &flags->change);
  return [flags](Session& session) { return Offline(*flags, session); };
}

}  // namespace hotplugger::client::host
