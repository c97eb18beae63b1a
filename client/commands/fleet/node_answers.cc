#include "client/commands/fleet/node_answers.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/commands/drivers/operation_view.h"
#include "client/driver_table.h"
#include "client/item_results.h"
#include "client/text.h"
#include "common/error_info.h"
#include "common/rpc_status.h"

namespace hotplugger::client::fleet {
namespace {

using Nodes = std::set<std::string>;

std::string Names(const Nodes& nodes) { return Printable(absl::StrJoin(nodes, ", ")); }

// `cells` in a row below NODE.
void AddNodeRow(const std::string& node, std::vector<std::string> cells, Table* table) {
  cells.insert(cells.begin(), node);
  table->AddRow(std::move(cells));
}

Table DriversTable(const NodeAnswers& answers) {
  Table table({"NODE", "NAME", "PROVIDER", "STATE", "WHITELIST", "DETAIL"});
  for (const v1::OperateNodesResponse& answer : answers) {
    for (const v1::Driver& driver : answer.result().list_drivers().drivers()) {
      AddNodeRow(answer.node(), DriverCells(driver), &table);
    }
  }
  return table;
}

// As for one host where all nodes are alike; else a line for on and one for off.
void PrintSwitching(const NodeAnswers& answers, std::ostream& out) {
  std::map<std::string, Nodes> nodes_by_state;
  for (const v1::OperateNodesResponse& answer : answers) {
    if (!answer.result().has_list_drivers()) continue;
    nodes_by_state[ShortEnumName(*v1::Switch_descriptor(),
                                 answer.result().list_drivers().switching())]
        .insert(answer.node());
  }
  for (const auto& [state, nodes] : nodes_by_state) {
    out << "switching is " << state;
    if (nodes_by_state.size() > 1) out << " at " << Names(nodes);
    out << '\n';
  }
}

void PrintUnregistered(const NodeAnswers& answers, std::ostream& out) {
  std::map<std::string, Nodes> nodes_by_drivers;
  for (const v1::OperateNodesResponse& answer : answers) {
    const auto& drivers = answer.result().list_drivers().unregistered();
    if (!drivers.empty()) nodes_by_drivers[absl::StrJoin(drivers, ", ")].insert(answer.node());
  }
  for (const auto& [drivers, nodes] : nodes_by_drivers) {
    out << "unregistered at " << Names(nodes) << ": " << Printable(drivers) << '\n';
  }
}

// Nodes that need the same are told so together.
void PrintRemedies(const NodeAnswers& answers, std::ostream& out) {
  std::map<std::pair<std::string, std::string>, Nodes> nodes_by_remedy;
  for (const v1::OperateNodesResponse& answer : answers) {
    for (const v1::ConflictingActor& actor : answer.result().list_conflicting_actors().actors()) {
      nodes_by_remedy[{actor.name(), actor.remedy()}].insert(answer.node());
    }
  }
  for (const auto& [actor, nodes] : nodes_by_remedy) {
    out << "\nto neutralise " << Printable(actor.first) << " at " << Names(nodes) << ":\n  "
        << Printable(actor.second) << '\n';
  }
}

}  // namespace

void PrintChanges(const NodeAnswers& answers, std::ostream& out) {
  Table table({"NODE", "SUBJECT", "OUTCOME", "REASON", "MESSAGE"});
  for (const v1::OperateNodesResponse& answer : answers) {
    if (answer.result().has_set_switching()) {
      AddNodeRow(
          answer.node(),
          {"switching",
           ShortEnumName(*v1::Switch_descriptor(), answer.result().set_switching().switching()), "",
           ""},
          &table);
    }
    for (const v1::ItemResult& item : ItemsOf(answer.result())) {
      AddNodeRow(answer.node(),
                 {item.subject(), ShortEnumName(*v1::Outcome_descriptor(), item.outcome()),
                  item.reason(), item.message()},
                 &table);
    }
  }
  if (table.has_rows()) table.Print(out);
}

void PrintNodeDrivers(const NodeAnswers& answers, std::ostream& out) {
  const Table table = DriversTable(answers);
  if (table.has_rows()) table.Print(out);
  PrintSwitching(answers, out);
  PrintUnregistered(answers, out);
}

void PrintNodesDriver(const NodeAnswers& answers, std::ostream& out) {
  const Table drivers = DriversTable(answers);
  if (drivers.has_rows()) drivers.Print(out);
  Table power({"NODE", "POWER"});
  Table decisions({"NODE", "TIME", "DECISION"});
  for (const v1::OperateNodesResponse& answer : answers) {
    for (const v1::Driver& driver : answer.result().list_drivers().drivers()) {
      if (!driver.power().empty()) power.AddRow({answer.node(), driver.power()});
      for (const v1::DriverDecision& decision : driver.decisions()) {
        AddNodeRow(answer.node(), DecisionCells(decision), &decisions);
      }
    }
  }
  if (power.has_rows()) {
    out << '\n';
    power.Print(out);
  }
  if (decisions.has_rows()) {
    out << "\ndecisions of each node, the latest first:\n";
    decisions.Print(out, 2);
  }
}

void PrintNodeActors(const NodeAnswers& answers, std::ostream& out) {
  Table table({"NODE", "KIND", "NAME", "PLACE", "EFFECT"});
  for (const v1::OperateNodesResponse& answer : answers) {
    for (const v1::ConflictingActor& actor : answer.result().list_conflicting_actors().actors()) {
      AddNodeRow(answer.node(), ActorCells(actor), &table);
    }
  }
  const bool any_was_asked = std::any_of(answers.begin(), answers.end(), [](const auto& answer) {
    return answer.result().has_list_conflicting_actors();
  });
  if (table.has_rows()) {
    table.Print(out);
    PrintRemedies(answers, out);
  } else if (any_was_asked) {
    PrintNoActors(out);
  }
}

void PrintNodeWarnings(const v1::OperateNodesResponse& answer, std::ostream& err) {
  const auto& warnings = answer.result().has_list_drivers()
                             ? answer.result().list_drivers().warnings()
                             : answer.result().list_conflicting_actors().warnings();
  for (const std::string& warning : warnings) {
    err << "warning: " << Printable(answer.node()) << ": " << Printable(warning) << '\n';
  }
}

void PrintFailures(const NodeAnswers& answers, std::ostream& err) {
  for (const v1::OperateNodesResponse& answer : answers) {
    if (!answer.result().has_error()) continue;
    const absl::Status error = FromRpcStatus(answer.result().error());
    const std::string message = error.message().empty() ? absl::StatusCodeToString(error.code())
                                                        : Printable(error.message());
    err << "hotplugctl: " << Printable(answer.node()) << ": " << message;
    const std::string reason = ErrorReason(error);
    if (!reason.empty()) err << " (" << Printable(reason) << ')';
    err << '\n';
  }
}

ExitCode ExitCodeOf(const NodeAnswers& answers) {
  int done = 0;
  int total = 0;
  for (const v1::OperateNodesResponse& answer : answers) {
    const auto& items = ItemsOf(answer.result());
    if (items.empty()) {
      done += answer.result().has_error() ? 0 : 1;
      total += 1;
    } else {
      done += static_cast<int>(std::count_if(items.begin(), items.end(), &IsDone));
      total += items.size();
    }
  }
  return ExitCodeForShare(done, total);
}

}  // namespace hotplugger::client::fleet
