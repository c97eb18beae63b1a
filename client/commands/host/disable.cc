#include <memory>

#include "client/commands/host/item_results.h"
#include "client/commands/host/verbs.h"
#include "common/status_macros.h"

namespace hotplugger::client::host {

Action DeclareDisable(Arguments& arguments) {
  auto request = std::make_shared<v1::DisableDriverRequest>();
  arguments.Required("DRIVER", "the driver that is to be stopped", request->mutable_driver());
  return [request](Session& session) -> absl::StatusOr<ExitCode> {
    ASSIGN_OR_RETURN(const v1::DisableDriverResponse response,
                     session.host->DisableDriver(*request));
    return PrintResults(response, response.results(), session);
  };
}

}  // namespace hotplugger::client::host
