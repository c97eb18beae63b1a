#include <memory>

#include "client/commands/host/verbs.h"
#include "client/text.h"
#include "common/status_macros.h"

namespace hotplugger::client::host {
namespace {

absl::StatusOr<ExitCode> Switching(const std::string& wanted, Session& session) {
  v1::SetSwitchingRequest request;
  request.set_switching(wanted == "on" ? v1::SWITCH_ON : v1::SWITCH_OFF);
  ASSIGN_OR_RETURN(const v1::SetSwitchingResponse response, session.host->SetSwitching(request));
  if (session.format == OutputFormat::kJson) {
    RETURN_IF_ERROR(PrintJson(response, session.out));
  } else {
    session.out << "switching is " << ShortEnumName(*v1::Switch_descriptor(), response.switching())
                << '\n';
  }
  return ExitCode::kOk;
}

}  // namespace

Action DeclareSwitching(Arguments& arguments) {
  auto wanted = std::make_shared<std::string>();
  arguments.Required("STATE", "whether drivers may be changed at all on this host", wanted.get(),
                     {"on", "off"});
  return [wanted](Session& session) { return Switching(*wanted, session); };
}

}  // namespace hotplugger::client::host
