#include "client/commands/host/verbs.h"
#include "client/text.h"
#include "common/status_macros.h"

namespace hotplugger::client::host {
namespace {

absl::StatusOr<ExitCode> Devices(Session& session) {
  ASSIGN_OR_RETURN(const v1::ListDevicesResponse response, session.host->ListDevices({}));
  if (session.format == OutputFormat::kJson) {
    RETURN_IF_ERROR(PrintJson(response, session.out));
    return ExitCode::kOk;
  }
  Table table({"NAME", "KIND", "STATE", "HOTPLUGGABLE"});
  for (const v1::Device& device : response.devices()) {
    table.AddRow({device.name(), ShortEnumName(*v1::DeviceKind_descriptor(), device.kind()),
                  ShortEnumName(*v1::DeviceState_descriptor(), device.state()),
                  device.hotpluggable() ? "yes" : "no"});
  }
  table.Print(session.out);
  return ExitCode::kOk;
}

}  // namespace

Action DeclareDevices(Arguments& /*arguments*/) { return &Devices; }

}  // namespace hotplugger::client::host
