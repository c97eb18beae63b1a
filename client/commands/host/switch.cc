#include <memory>
#include <vector>

#include "client/commands/host/item_results.h"
#include "client/commands/host/verbs.h"
#include "common/error_info.h"
#include "common/status_macros.h"

namespace hotplugger::client::host {
namespace {

struct Options {
  std::vector<std::string> active;
  std::vector<std::string> stopped;
};

absl::StatusOr<ExitCode> Switch(const Options& options, Session& session) {
  if (options.active.empty() && options.stopped.empty()) {
    return MakeError(absl::StatusCode::kInvalidArgument, "NO_DRIVER",
                     "no driver is named; give those that are to run, or --stop NAME");
  }
  v1::SwitchDriversRequest request;
  request.mutable_active()->Add(options.active.begin(), options.active.end());
  request.mutable_stopped()->Add(options.stopped.begin(), options.stopped.end());
  ASSIGN_OR_RETURN(const v1::SwitchDriversResponse response, session.host->SwitchDrivers(request));
  return PrintResults(response, response.results(), session);
}

}  // namespace

Action DeclareSwitch(Arguments& arguments) {
  auto options = std::make_shared<Options>();
  arguments.Rest("DRIVER", "these run; any other is stopped unless whitelists spare it",
                 &options->active);
  arguments.RepeatedOption("--stop", "stop this driver whatever the whitelists say",
                           &options->stopped);
  return [options](Session& session) { return Switch(*options, session); };
}

}  // namespace hotplugger::client::host
