// The verbs for the drivers of nodes: asked once, node by node.
#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "client/commands/drivers/driver_operations.h"
#include "client/commands/drivers/driver_query.h"
#include "client/commands/drivers/operation_view.h"
#include "client/commands/fleet/verbs.h"
#include "client/text.h"
#include "common/error_info.h"
#include "common/rpc_status.h"
#include "common/status_macros.h"

namespace hotplugger::client::fleet {
namespace {

struct NodeOptions {
  std::vector<std::string> nodes;
  std::string labels;
  std::optional<std::string> parallel;
  absl::Duration deadline = absl::Seconds(90);
  bool keep_going = false;
};

using Answers = std::vector<v1::OperateNodesResponse>;

std::shared_ptr<NodeOptions> DeclareNodes(Arguments& arguments) {
  auto options = std::make_shared<NodeOptions>();
  arguments.RepeatedOption("-n,--node", "this node; may be given again", &options->nodes);
  arguments.Option("-l,--selector", "nodes with these labels, e.g. pool=lab,rack=7",
                   &options->labels);
  arguments.Value("--parallel", "N", "so many nodes at once, 1 to 100 (default: 8)",
                  &options->parallel);
  arguments.DurationOption("--deadline", "for each node", &options->deadline);
  return options;
}

std::shared_ptr<NodeOptions> DeclareNodesToChange(Arguments& arguments) {
  auto options = DeclareNodes(arguments);
  arguments.Switch("--keep-going", "go on with further nodes when one has failed",
                   &options->keep_going);
  return options;
}

std::string Quoted(absl::string_view text) { return absl::StrCat("\"", Printable(text), "\""); }

absl::Status ReadLabels(const std::string& text, v1::Selector* selector) {
  for (const absl::string_view pair : absl::StrSplit(text, ',', absl::SkipEmpty())) {
    const std::vector<std::string> sides = absl::StrSplit(pair, absl::MaxSplits('=', 1));
    if (sides.size() != 2 || sides[0].empty()) {
      return MakeFieldErrors(
          {{"--selector", absl::StrCat(Quoted(pair), " is not KEY=VALUE, e.g. pool=lab")}});
    }
    (*selector->mutable_match_labels())[sides[0]] = sides[1];
  }
  return absl::OkStatus();
}

absl::StatusOr<v1::OperateNodesRequest> MakeRequest(const NodeOptions& options,
                                                    v1::Operation operation) {
  v1::OperateNodesRequest request;
  if (options.nodes.empty() && options.labels.empty()) {
    return MakeFieldErrors({{"--node", "name nodes by --node NAME or --selector KEY=VALUE"}});
  }
  request.mutable_selector()->mutable_nodes()->Add(options.nodes.begin(), options.nodes.end());
  RETURN_IF_ERROR(ReadLabels(options.labels, request.mutable_selector()));
  if (options.parallel.has_value()) {
    int parallel = 0;
    if (!absl::SimpleAtoi(*options.parallel, &parallel)) {
      return MakeFieldErrors({{"--parallel", absl::StrCat(Quoted(*options.parallel),
                                                          " is not a number from 1 to 100")}});
    }
    request.set_parallel(parallel);
  }
  absl::Duration rest = options.deadline;
  request.mutable_deadline()->set_seconds(absl::IDivDuration(rest, absl::Seconds(1), &rest));
  request.mutable_deadline()->set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(rest)));
  request.set_keep_going(options.keep_going);
  *request.mutable_operation() = std::move(operation);
  return request;
}

// Every node's answer, also on a stream that ends early: those that came are worth showing.
absl::Status Ask(const v1::OperateNodesRequest& request, Session& session, Answers* answers) {
  absl::Status printed;
  const absl::Status ended = session.fleet->OperateNodes(request, [&](auto answer) {
    if (session.format == OutputFormat::kJson) {
      const absl::StatusOr<std::string> line = ToJsonLine(answer);
      printed.Update(line.status());
      if (line.ok()) session.out << *line << std::endl;
    }
    answers->push_back(std::move(answer));
  });
  std::sort(answers->begin(), answers->end(),
            [](const auto& a, const auto& b) { return a.node() < b.node(); });
  RETURN_IF_ERROR(printed);
  return ended;
}

// One line on standard error for each node that could not do it.
void PrintFailures(const Answers& answers, Session& session) {
  if (session.format == OutputFormat::kJson) return;
  for (const v1::OperateNodesResponse& answer : answers) {
    if (!answer.result().has_error()) continue;
    const absl::Status error = FromRpcStatus(answer.result().error());
    session.err << "hotplugctl: " << Printable(answer.node()) << ": " << Printable(error.message())
                << " (" << Printable(ErrorReason(error)) << ")\n";
  }
}

ExitCode ExitCodeOf(const Answers& answers) {
  size_t failed = 0;
  for (const v1::OperateNodesResponse& answer : answers) {
    failed += answer.result().has_error() ? 1 : 0;
  }
  if (failed == 0) return ExitCode::kOk;
  return failed == answers.size() ? ExitCode::kFailure : ExitCode::kPartial;
}

Table ChangesTable(const Answers& answers) {
  Table table({"NODE", "SUBJECT", "OUTCOME", "REASON", "MESSAGE"});
  for (const v1::OperateNodesResponse& answer : answers) {
    if (answer.result().has_set_switching()) {
      table.AddRow(
          {answer.node(), "switching",
           ShortEnumName(*v1::Switch_descriptor(), answer.result().set_switching().switching()), "",
           ""});
    }
    for (const v1::ItemResult& item : ItemsOf(answer.result())) {
      table.AddRow({answer.node(), item.subject(),
                    ShortEnumName(*v1::Outcome_descriptor(), item.outcome()), item.reason(),
                    item.message()});
    }
  }
  return table;
}

Table DriversTable(const Answers& answers, const std::optional<std::string>& name) {
  Table table({"NODE", "NAME", "PROVIDER", "STATE", "WHITELIST", "DETAIL"});
  for (const v1::OperateNodesResponse& answer : answers) {
    for (const v1::Driver& driver : answer.result().list_drivers().drivers()) {
      if (name.has_value() && !absl::EqualsIgnoreCase(driver.name(), *name)) continue;
      table.AddRow({answer.node(), driver.name(),
                    ShortEnumName(*v1::DriverProvider_descriptor(), driver.provider()),
                    ShortEnumName(*v1::DriverState_descriptor(), driver.state()),
                    driver.whitelist_known() ? absl::StrJoin(driver.whitelist(), ",") : "unknown",
                    driver.detail()});
    }
  }
  return table;
}

Table ActorsTable(const Answers& answers) {
  Table table({"NODE", "KIND", "NAME", "PLACE", "EFFECT"});
  for (const v1::OperateNodesResponse& answer : answers) {
    for (const v1::ConflictingActor& actor : answer.result().list_conflicting_actors().actors()) {
      table.AddRow({answer.node(),
                    ShortEnumName(*v1::ConflictingActor::Kind_descriptor(), actor.kind()),
                    actor.name(), actor.place(), actor.effect()});
    }
  }
  return table;
}

void PrintNodeWarnings(const Answers& answers, Session& session) {
  for (const v1::OperateNodesResponse& answer : answers) {
    const auto& warnings = answer.result().has_list_drivers()
                               ? answer.result().list_drivers().warnings()
                               : answer.result().list_conflicting_actors().warnings();
    for (const std::string& warning : warnings) {
      session.err << "warning: " << Printable(answer.node()) << ": " << Printable(warning) << '\n';
    }
  }
}

Action OnNodes(Arguments& arguments, MakeOperation make) {
  auto options = DeclareNodesToChange(arguments);
  return [options, make = std::move(make)](Session& session) -> absl::StatusOr<ExitCode> {
    ASSIGN_OR_RETURN(v1::Operation operation, make());
    ASSIGN_OR_RETURN(const v1::OperateNodesRequest request,
                     MakeRequest(*options, std::move(operation)));
    Answers answers;
    const absl::Status ended = Ask(request, session, &answers);
    if (session.format == OutputFormat::kTable && !answers.empty()) {
      ChangesTable(answers).Print(session.out);
    }
    PrintFailures(answers, session);
    RETURN_IF_ERROR(ended);
    return ExitCodeOf(answers);
  };
}

absl::StatusOr<ExitCode> Drivers(const DriverQuery& query, const NodeOptions& options,
                                 Session& session) {
  RETURN_IF_ERROR(CheckQuery(query));
  ASSIGN_OR_RETURN(const v1::OperateNodesRequest request, MakeRequest(options, ToOperation(query)));
  Answers answers;
  const absl::Status ended = Ask(request, session, &answers);
  PrintNodeWarnings(answers, session);
  if (session.format == OutputFormat::kTable && !answers.empty()) {
    (query.conflicts ? ActorsTable(answers) : DriversTable(answers, query.driver))
        .Print(session.out);
  }
  PrintFailures(answers, session);
  RETURN_IF_ERROR(ended);
  return ExitCodeOf(answers);
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
