// The verbs for the drivers of nodes: asked once, node by node.
#include <string>
#include <utility>

#include "client/commands/drivers/driver_operations.h"
#include "client/commands/drivers/driver_query.h"
#include "client/commands/fleet/ask_nodes.h"
#include "client/commands/fleet/node_answers.h"
#include "client/commands/fleet/node_selection.h"
#include "client/commands/fleet/verbs.h"
#include "common/rpc_status.h"
#include "common/status_macros.h"

namespace hotplugger::client::fleet {
namespace {

// Where not every node has answered.
constexpr char kWhereToLook[] =
    "`hotplugctl drivers` for the same nodes shows what they are like now";

Action OnNodes(Arguments& arguments, MakeOperation make) {
  auto options = DeclareNodesToChange(arguments);
  return [options, make = std::move(make)](Session& session) -> absl::StatusOr<ExitCode> {
    ASSIGN_OR_RETURN(v1::Operation operation, make());
    ASSIGN_OR_RETURN(const v1::OperateNodesRequest request,
                     MakeNodesRequest(*options, std::move(operation), /*is_change=*/true, session));
    const AskedNodes asked = AskNodes(request, session);
    if (session.format == OutputFormat::kTable) PrintChanges(asked.answers, session.out);
    return EndOf(asked, kWhereToLook, session);
  };
}

// Leaves the one driver in an answer; where it isn't there, the answer becomes an error, as it is
// for one host.
void KeepDriver(const std::string& name, v1::OperateNodesResponse* answer) {
  if (!answer->result().has_list_drivers()) return;
  v1::ListDriversResponse& list = *answer->mutable_result()->mutable_list_drivers();
  const v1::Driver* const found = FindDriver(list, name);
  if (found == nullptr) {
    // The list goes with the error's coming.
    const absl::Status error = NoSuchDriver(list, name);
    *answer->mutable_result()->mutable_error() = ToRpcStatus(error);
    return;
  }
  v1::Driver driver = *found;
  list.clear_drivers();
  *list.add_drivers() = std::move(driver);
}

void PrintAnswers(const DriverQuery& query, const NodeAnswers& answers, std::ostream& out) {
  if (query.conflicts) {
    PrintNodeActors(answers, out);
  } else if (query.driver.has_value()) {
    PrintNodesDriver(answers, out);
  } else {
    PrintNodeDrivers(answers, out);
  }
}

absl::StatusOr<ExitCode> Drivers(const DriverQuery& query, const NodeOptions& options,
                                 Session& session) {
  RETURN_IF_ERROR(CheckQuery(query));
  ASSIGN_OR_RETURN(const v1::OperateNodesRequest request,
                   MakeNodesRequest(options, ToOperation(query), /*is_change=*/false, session));
  const auto edit = [&query, &session](v1::OperateNodesResponse* answer) {
    // A file with an error may be why a driver is missing.
    PrintNodeWarnings(*answer, session.err);
    if (query.driver.has_value()) KeepDriver(*query.driver, answer);
  };
  const AskedNodes asked = AskNodes(request, session, edit);
  if (session.format == OutputFormat::kTable) PrintAnswers(query, asked.answers, session.out);
  return EndOf(asked, "", session);
}

}  // namespace

Action DeclareDrivers(Arguments& arguments) {
  auto query = DeclareDriverQuery(arguments);
  auto options = DeclareNodes(arguments);
  return [query, options](Session& session) { return Drivers(*query, *options, session); };
}

Action DeclareEnable(Arguments& arguments) {
  return OnNodes(arguments, DeclareEnableOperation(arguments));
}

Action DeclareDisable(Arguments& arguments) {
  return OnNodes(arguments, DeclareDisableOperation(arguments));
}

Action DeclareSwitch(Arguments& arguments) {
  return OnNodes(arguments, DeclareSwitchOperation(arguments));
}

Action DeclareSwitching(Arguments& arguments) {
  return OnNodes(arguments, DeclareSwitchingOperation(arguments));
}

Action DeclareRegister(Arguments& arguments) {
  return OnNodes(arguments, DeclareRegisterOperation(arguments));
}

Action DeclareUnregister(Arguments& arguments) {
  return OnNodes(arguments, DeclareUnregisterOperation(arguments));
}

}  // namespace hotplugger::client::fleet
