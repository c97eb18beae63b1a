#include "client/commands/fleet/plan_view.h"

#include <algorithm>
#include <map>
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/commands/fleet/node_answers.h"
#include "client/item_results.h"
#include "client/text.h"
#include "common/byte_size.h"

namespace hotplugger::client::fleet {
namespace {

// "1 node", "no nodes", "12 nodes".
std::string Count(int64_t count, const std::string& one) {
  if (count == 1) return absl::StrCat("1 ", one);
  return absl::StrCat(count == 0 ? "no" : absl::StrCat(count), " ", one, "s");
}

std::string OverviewText(const v1::PlanOverview& overview) {
  return absl::StrCat(
      Count(overview.matched_nodes(), "node"),
      overview.matched_nodes() == 1 ? " matches, " : " match, ",
      overview.affected_nodes() == 0 ? "none" : absl::StrCat(overview.affected_nodes()),
      " would change");
}

// "offline, by cpu_offline", "REFUSED, LAST_CPUS: two CPUs stay online".
std::string StepText(const v1::ItemResult& step) {
  std::string text = ShortEnumName(*v1::Outcome_descriptor(), step.outcome());
  if (IsDone(step)) return step.message().empty() ? text : step.message();
  absl::AsciiStrToUpper(&text);
  if (!step.reason().empty()) absl::StrAppend(&text, ", ", step.reason());
  if (!step.message().empty()) absl::StrAppend(&text, ": ", step.message());
  return text;
}

void PrintSteps(const PlanAnswers& answers, Session& session) {
  Table table({"NODE", "SUBJECT", "WHAT"});
  for (const v1::NodePlan& node : answers.nodes) {
    if (node.has_error()) continue;
    for (const v1::ItemResult& step : node.plan().steps()) {
      table.AddRow({node.node(), step.subject(), StepText(step)},
                   {{2, IsDone(step) ? Tone::kPlain : Tone::kBad}});
    }
    if (node.plan().steps().empty()) {
      table.AddRow({node.node(), "", "nothing: its devices and drivers are so already"});
    }
  }
  const TableStyle style = {/*indent=*/0, /*headings=*/true, session.colours};
  if (table.has_rows()) table.Print(session.out, style);
}

// Nodes of which the same is to be known are told so together.
void PrintNotes(const PlanAnswers& answers, std::ostream& out) {
  std::map<std::string, std::set<std::string>> nodes_by_note;
  for (const v1::NodePlan& node : answers.nodes) {
    for (const std::string& note : node.plan().notes()) nodes_by_note[note].insert(node.node());
  }
  for (const auto& [note, nodes] : nodes_by_note) {
    out << "Note on " << Printable(absl::StrJoin(nodes, ", ")) << ": " << Printable(note) << '\n';
  }
}

// CPUS and MEMORY: "64 -> 52".
std::vector<std::string> CapacityCells(const v1::Capacity& before, const v1::Capacity& after) {
  return {absl::StrCat(before.cpus(), " -> ", after.cpus()),
          absl::StrCat(FormatByteSize(before.memory_bytes()), " -> ",
                       FormatByteSize(after.memory_bytes()))};
}

void AddCapacity(const std::string& label, int nodes, std::vector<std::string> cells,
                 Table* table) {
  cells.insert(cells.begin(), {label, absl::StrCat(nodes)});
  table->AddRow(std::move(cells));
}

void PrintCapacity(const v1::PlanSummary& summary, std::ostream& out) {
  Table table({"CAPACITY OF", "NODES", "CPUS", "MEMORY"});
  AddCapacity("all", summary.planned_nodes(), CapacityCells(summary.before(), summary.after()),
              &table);
  for (const v1::DomainCapacity& domain : summary.domains()) {
    AddCapacity(domain.label(), domain.nodes(), CapacityCells(domain.before(), domain.after()),
                &table);
  }
  table.AlignRight({1});
  out << '\n';
  table.Print(out);
}

void PrintSummary(const v1::PlanSummary& summary, std::ostream& out) {
  if (summary.planned_nodes() > 0) PrintCapacity(summary, out);
  out << '\n'
      << Count(summary.changes(), "change") << ", " << Count(summary.refusals(), "refusal")
      << " on " << Count(summary.planned_nodes(), "node");
  if (!summary.unanswered_nodes().empty()) {
    out << "; no plan of " << Printable(absl::StrJoin(summary.unanswered_nodes(), ", "));
  }
  out << '\n';
}

void PrintUnanswered(const PlanAnswers& answers, std::ostream& err) {
  NodeAnswers failures;
  for (const v1::NodePlan& node : answers.nodes) {
    if (!node.has_error()) continue;
    v1::OperateNodesResponse& failure = failures.emplace_back();
    failure.set_node(node.node());
    *failure.mutable_result()->mutable_error() = node.error();
  }
  PrintFailures(failures, err);
}

}  // namespace

void PrintPlan(const std::string& what, const PlanAnswers& answers, Session& session) {
  session.out << Printable(what) << ": " << OverviewText(answers.overview) << '\n';
  PrintSteps(answers, session);
  PrintNotes(answers, session.out);
  if (answers.summary && answers.overview.affected_nodes() > 0) {
    PrintSummary(*answers.summary, session.out);
  }
  PrintUnanswered(answers, session.err);
}

PlanShare ShareOf(const PlanAnswers& answers) {
  PlanShare share;
  for (const v1::NodePlan& node : answers.nodes) {
    const auto& steps = node.plan().steps();
    if (node.has_error() || steps.empty()) {
      share.done += node.has_error() ? 0 : 1;
      share.total += 1;
    } else {
      share.done += static_cast<int>(std::count_if(steps.begin(), steps.end(), &IsDone));
      share.total += steps.size();
    }
  }
  return share;
}

}  // namespace hotplugger::client::fleet
