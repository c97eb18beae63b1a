// The verbs for the drivers of nodes: asked once, node by node.
#include <algorithm>
#include <functional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/commands/drivers/driver_operations.h"
#include "client/commands/drivers/driver_query.h"
#include "client/commands/fleet/node_answers.h"
#include "client/commands/fleet/node_selection.h"
#include "client/commands/fleet/verbs.h"
#include "common/error_info.h"
#include "common/rpc_status.h"
#include "common/status_macros.h"

namespace hotplugger::client::fleet {
namespace {

// What is done to every answer before anybody sees it.
using Edit = std::function<void(v1::OperateNodesResponse* answer)>;

// Every node's answer by name, and how it ended: those that came are worth showing also where it
// ended early. As documents they are printed as they come.
struct Asked {
  NodeAnswers answers;
  absl::Status ended;
  absl::Status printed;
};

Asked Ask(const v1::OperateNodesRequest& request, const Edit& edit, Session& session) {
  Asked asked;
  asked.ended = session.fleet->OperateNodes(
      request,
      [&](v1::OperateNodesResponse answer) {
        edit(&answer);
        if (session.format != OutputFormat::kTable) {
          asked.printed.Update(PrintStreamed(answer, session.format, session.out));
        }
        asked.answers.push_back(std::move(answer));
      },
      session.catch_interrupt());
  std::sort(asked.answers.begin(), asked.answers.end(),
            [](const auto& a, const auto& b) { return a.node() < b.node(); });
  return asked;
}

// Whether it ended before any node was asked.
bool EndedAtOnce(const Asked& asked) {
  if (!asked.answers.empty()) return false;
  switch (asked.ended.code()) {
    case absl::StatusCode::kUnavailable:
      return ErrorReason(asked.ended) == "UNREACHABLE";
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kCancelled:
      return false;
    default:
      return true;
  }
}

// What is known where not every node's answer came.
std::string WhatIsMissing(const Asked& asked, bool is_change) {
  const size_t count = asked.answers.size();
  const std::string answered = absl::StrCat(count == 0 ? "no" : absl::StrCat(count),
                                            count > 1 ? " nodes have" : " node has", " answered");
  if (!is_change) return answered;
  return absl::StrCat(answered, count == 0 ? "; some" : "; others",
                      " may have been asked and do it all the same; `hotplugctl drivers` for the "
                      "same nodes shows what they are like now");
}

absl::StatusOr<ExitCode> End(const Asked& asked, bool is_change, Session& session) {
  // Documents have the errors in them.
  if (session.format == OutputFormat::kTable) PrintFailures(asked.answers, session.err);
  if (asked.ended.ok()) {
    RETURN_IF_ERROR(asked.printed);
    return ExitCodeOf(asked.answers);
  }
  if (!EndedAtOnce(asked)) session.err << WhatIsMissing(asked, is_change) << '\n';
  return NameNodeFlags(asked.ended);
}

Action OnNodes(Arguments& arguments, MakeOperation make) {
  auto options = DeclareNodesToChange(arguments);
  return [options, make = std::move(make)](Session& session) -> absl::StatusOr<ExitCode> {
    ASSIGN_OR_RETURN(v1::Operation operation, make());
    ASSIGN_OR_RETURN(const v1::OperateNodesRequest request,
                     MakeNodesRequest(*options, std::move(operation)));
    const Asked asked = Ask(
        request, [](v1::OperateNodesResponse*) {}, session);
    if (session.format == OutputFormat::kTable) PrintChanges(asked.answers, session.out);
    return End(asked, /*is_change=*/true, session);
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
                   MakeNodesRequest(options, ToOperation(query)));
  const auto edit = [&query, &session](v1::OperateNodesResponse* answer) {
    // A file with an error may be why a driver is missing.
    PrintNodeWarnings(*answer, session.err);
    if (query.driver.has_value()) KeepDriver(*query.driver, answer);
  };
  const Asked asked = Ask(request, edit, session);
  if (session.format == OutputFormat::kTable) PrintAnswers(query, asked.answers, session.out);
  return End(asked, /*is_change=*/false, session);
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
