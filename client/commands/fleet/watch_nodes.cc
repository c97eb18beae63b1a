#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/commands/fleet/get_lists.h"
#include "client/commands/fleet/polling.h"
#include "client/list_all.h"
#include "client/node_rows.h"
#include "client/text.h"
#include "common/status_macros.h"

namespace hotplugger::client::fleet {
namespace {

enum class Change { kPresent, kChanged, kRemoved };

const char* NameOf(Change change) {
  switch (change) {
    case Change::kPresent:
      return "PRESENT";
    case Change::kChanged:
      return "CHANGED";
    default:
      return "REMOVED";
  }
}

// One `hotplugctl get nodes --watch`.
class NodeWatch {
 public:
  NodeWatch(const GetOptions& options, Session& session)
      : options_(options), session_(session), table_(NodeTable(session.wide)) {}

  // Prints what is new.
  absl::Status Poll() {
    v1::ListNodesRequest request;
    request.set_policy(options_.policy);
    ASSIGN_OR_RETURN(const v1::ListNodesResponse listed, ListAllNodes(*session_.fleet, request));
    std::map<std::string, std::string> gone = std::move(seen_);
    seen_.clear();
    for (const v1::Node& node : listed.nodes()) {
      std::string mark = MarkOf(node);
      const auto before = gone.find(node.name());
      if (before == gone.end() || before->second != mark) {
        RETURN_IF_ERROR(Print(node, is_first_ ? Change::kPresent : Change::kChanged));
      }
      if (before != gone.end()) gone.erase(before);
      seen_[node.name()] = std::move(mark);
    }
    for (const auto& [name, mark] : gone) {
      v1::Node node;
      node.set_name(name);
      RETURN_IF_ERROR(Print(node, Change::kRemoved));
    }
    PrintTable();
    is_first_ = false;
    return absl::OkStatus();
  }

 private:
  // Tells one state of a node from another. The time of the last contact changes always, and is
  // left out.
  std::string MarkOf(v1::Node node) const {
    node.clear_last_contact_time();
    if (session_.format == OutputFormat::kTable) {
      return absl::StrJoin(NodeCells(node, absl::InfinitePast(), session_.wide), "\n");
    }
    const auto json = ToJson(node);
    return json.ok() ? *json : "";
  }

  absl::Status Print(const v1::Node& node, Change change) {
    if (session_.format != OutputFormat::kTable) return PrintChange(node, change);
    if (session_.names_only) {
      session_.out << "node/" << Printable(node.name()) << '\n';
    } else if (change == Change::kRemoved) {
      // Of one that is forgotten nothing else is known.
      std::vector<std::string> cells = {node.name()};
      cells.resize(NodeCells(node, absl::InfinitePast(), session_.wide).size());
      cells[kStateColumn] = "DELETED";
      table_.AddRow(std::move(cells));
    } else {
      AddNodeRow(node, session_.clock.Now(), session_.wide, &table_);
    }
    return absl::OkStatus();
  }

  absl::Status PrintChange(const v1::Node& node, Change change) {
    ASSIGN_OR_RETURN(const std::string json, ToJsonLine(node));
    const std::string line =
        absl::StrCat("{\"change\":\"", NameOf(change), "\",\"node\":", json, "}");
    if (session_.format == OutputFormat::kYaml) session_.out << "---\n";
    PrintJsonAs(session_.format, line, session_.out);
    if (session_.format == OutputFormat::kJson) session_.out << '\n';
    return absl::OkStatus();
  }

  void PrintTable() {
    // Headings alone are a table too, but once.
    if (session_.format == OutputFormat::kTable && !session_.names_only &&
        (is_first_ || table_.has_rows())) {
      table_.PrintNew(session_.out, StyleOf(options_, session_));
    }
    // Whoever reads this waits for it.
    session_.out.flush();
  }

  static constexpr size_t kStateColumn = 9;

  const GetOptions& options_;
  Session& session_;
  Table table_;
  // What was printed of each node last.
  std::map<std::string, std::string> seen_;
  bool is_first_ = true;
};

}  // namespace

absl::StatusOr<ExitCode> WatchNodes(const GetOptions& options, Session& session) {
  NodeWatch watch(options, session);
  return PollUntilInterrupted([&watch] { return watch.Poll(); }, session);
}

}  // namespace hotplugger::client::fleet
