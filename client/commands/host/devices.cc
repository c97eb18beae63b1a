#include <memory>

#include "client/commands/host/device_view.h"
#include "client/commands/host/kind_filter.h"
#include "client/commands/host/verbs.h"
#include "client/text.h"
#include "common/status_macros.h"

namespace hotplugger::client::host {
namespace {

absl::StatusOr<ExitCode> Devices(const std::vector<std::string>& kinds, Session& session) {
  v1::ListDevicesRequest request;
  ASSIGN_OR_RETURN(const auto wanted, ReadKinds(kinds));
  request.mutable_kinds()->Add(wanted.begin(), wanted.end());
  ASSIGN_OR_RETURN(const v1::ListDevicesResponse response, session.host->ListDevices(request));
  PrintWarnings(response.warnings(), session.err);
  if (session.format != OutputFormat::kTable) {
    RETURN_IF_ERROR(PrintDocument(response, session.format, session.out));
    return ExitCode::kOk;
  }
  Table table({"NAME", "KIND", "STATE", "HOTPLUGGABLE"});
  for (const v1::Device& device : response.devices()) {
    table.AddRow({device.name(), ShortEnumName(*v1::DeviceKind_descriptor(), device.kind()),
                  DeviceStateName(device), device.hotpluggable() ? "yes" : "no"});
  }
  table.Print(session.out);
  return ExitCode::kOk;
}

}  // namespace

Action DeclareDevices(Arguments& arguments) {
  auto kinds = std::make_shared<std::vector<std::string>>();
  DeclareKinds(arguments, kinds.get());
  return [kinds](Session& session) { return Devices(*kinds, session); };
}

}  // namespace hotplugger::client::host
