#include <memory>
#include <string>

#include "client/commands/host/device_explanation.h"
#include "client/commands/host/verbs.h"
#include "client/flag_values.h"
#include "common/status_macros.h"

namespace hotplugger::client::host {
namespace {

absl::StatusOr<ExitCode> Explain(const std::string& name, Session& session) {
  Violations violations;
  CheckDeviceName("DEVICE", name, &violations);
  RETURN_IF_ERROR(MakeFieldErrors(violations));
  v1::ExplainDeviceRequest request;
  request.set_device(name);
  ASSIGN_OR_RETURN(const v1::ExplainDeviceResponse response, session.host->ExplainDevice(request));
  if (session.format != OutputFormat::kTable) {
    RETURN_IF_ERROR(PrintDocument(response, session.format, session.out));
  } else {
    PrintExplanation(response, session.clock.Now(), session.out);
  }
  return ExitCode::kOk;
}

}  // namespace

Action DeclareExplain(Arguments& arguments) {
  auto name = std::make_shared<std::string>();
  arguments.Required("DEVICE", "the kernel's name of the device, e.g. cpu3", name.get());
  return [name](Session& session) { return Explain(*name, session); };
}

}  // namespace hotplugger::client::host
