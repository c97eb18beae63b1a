#include <memory>

#include "client/commands/fleet/verbs.h"
#include "common/status_macros.h"

namespace hotplugger::client::fleet {
namespace {

absl::StatusOr<ExitCode> Release(const v1::ReleaseHoldRequest& request, Session& session) {
  ASSIGN_OR_RETURN(const v1::ReleaseHoldResponse response, session.fleet->ReleaseHold(request));
  if (session.format != OutputFormat::kTable) {
    RETURN_IF_ERROR(PrintDocument(response, session.format, session.out));
  } else {
    session.out << "hold/" << request.node() << '/' << request.subject() << " released\n";
  }
  return ExitCode::kOk;
}

}  // namespace

Action DeclareRelease(Arguments& arguments) {
  auto request = std::make_shared<v1::ReleaseHoldRequest>();
  arguments.Required("NODE", "the node's name", request->mutable_node());
  arguments.Required("SUBJECT", "what is held: a device, e.g. cpu3 or memory32, or driver/NAME",
                     request->mutable_subject());
  return [request](Session& session) { return Release(*request, session); };
}

}  // namespace hotplugger::client::fleet
