#include <memory>

#include "client/commands/host/device_view.h"
#include "client/commands/host/verbs.h"
#include "client/flag_values.h"
#include "common/status_macros.h"

namespace hotplugger::client::host {
namespace {

absl::StatusOr<ExitCode> Get(const std::string& name, Session& session) {
  Violations violations;
  CheckDeviceName("DEVICE", name, &violations);
  RETURN_IF_ERROR(MakeFieldErrors(violations));
  v1::GetDeviceRequest request;
  request.set_device(name);
  ASSIGN_OR_RETURN(const v1::Device device, session.host->GetDevice(request));
  if (session.format != OutputFormat::kTable) {
    RETURN_IF_ERROR(PrintDocument(device, session.format, session.out));
  } else {
    PrintDeviceFacts(device, session.out);
  }
  return ExitCode::kOk;
}

}  // namespace

Action DeclareGet(Arguments& arguments) {
  auto name = std::make_shared<std::string>();
  arguments.Required("DEVICE", "the kernel's name of the device, e.g. cpu3", name.get());
  return [name](Session& session) { return Get(*name, session); };
}

}  // namespace hotplugger::client::host
