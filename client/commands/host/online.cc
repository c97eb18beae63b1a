#include <memory>

#include "client/commands/host/item_results.h"
#include "client/commands/host/verbs.h"
#include "common/status_macros.h"

namespace hotplugger::client::host {

Action DeclareOnline(Arguments& arguments) {
  auto request = std::make_shared<v1::OnlineDeviceRequest>();
  arguments.Required("DEVICE", "the kernel's name of the device, e.g. cpu3",
                     request->mutable_device());
  return [request](Session& session) -> absl::StatusOr<ExitCode> {
    ASSIGN_OR_RETURN(const v1::OnlineDeviceResponse response, session.host->OnlineDevice(*request));
    return PrintResult(response, response.result(), session);
  };
}

}  // namespace hotplugger::client::host
