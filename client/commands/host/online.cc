#include <memory>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
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
  std::optional<std::string> zone;
  ChangeFlags change;
};

v1::MemoryZone ReadZone(const std::string& zone, const v1::DeviceTarget& target,
                        Violations* violations) {
  if (SelectsCpus(target)) {
    violations->push_back({"--zone", "is for memory alone; CPUs have no zones"});
  }
  if (zone == "kernel") return v1::MEMORY_ZONE_KERNEL;
  if (zone == "movable") return v1::MEMORY_ZONE_MOVABLE;
  violations->push_back(
      {"--zone", absl::StrCat(Quoted(zone),
                              " is neither kernel nor movable; without --zone the "
                              "kernel chooses")});
  return v1::MEMORY_ZONE_UNSPECIFIED;
}

absl::StatusOr<ExitCode> Online(const Flags& flags, Session& session) {
  Violations violations;
  v1::OnlineDevicesRequest request;
  *request.mutable_target() = ReadSelection(flags.selection, &violations);
  *request.mutable_options() = ReadChangeOptions(flags.change, &violations);
  if (flags.zone) request.set_zone(ReadZone(*flags.zone, request.target(), &violations));
  RETURN_IF_ERROR(MakeFieldErrors(violations));
  if (flags.change.dry_run) {
    v1::PlanDevicesRequest plan;
    *plan.mutable_online() = request;
    return ShowPlan(plan, session);
  }
  const absl::StatusOr<v1::OnlineDevicesResponse> response = session.host->OnlineDevices(request);
  if (!response.ok()) return NameFlags(response.status());
  return PrintResults(*response, response->results(), session);
}

}  // namespace

Action DeclareOnline(Arguments& arguments) {
  auto flags = std::make_shared<Flags>();
  DeclareSelection(arguments, &flags->selection);
  arguments.Value("--zone", "ZONE",
                  "memory: kernel, for everything, or movable, so that it can go offline again "
                  "[the kernel chooses]",
                  &flags->zone);
  DeclareChangeOptions(arguments, &flags->change);
  return [flags](Session& session) { return Online(*flags, session); };
}

}  // namespace hotplugger::client::host
