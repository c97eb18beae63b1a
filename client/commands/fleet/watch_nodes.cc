#include <map>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/commands/fleet/get_lists.h"
#include "client/list_all.h"
#include "client/node_rows.h"
#include "client/text.h"
#include "common/status_macros.h"

namespace hotplugger::client::fleet {
namespace {

// Between two looks, in steps: an interrupt is answered after one.
constexpr int kStepsOfAPause = 10;
constexpr absl::Duration kStep = absl::Milliseconds(200);

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

  absl::StatusOr<ExitCode> Run() {
    const std::stop_token stop = session_.catch_interrupt();
    // A first call that fails is a wrong address or a wrong name: no reason to go on.
    RETURN_IF_ERROR(Poll());
    while (session_.out.good() && Pause(stop)) {
      const absl::Status polled = Poll();
      if (!polled.ok() && !IsTransient(polled)) return polled;
      Tell(polled);
    }
    session_.err << "the watch ended; nothing else was stopped by that\n";
    return session_.out.good() ? ExitCode::kOk : ExitCode::kFailure;
  }

 private:
  // False where it was interrupted.
  bool Pause(const std::stop_token& stop) const {
    for (int i = 0; i < kStepsOfAPause && !stop.stop_requested(); ++i) session_.pause(kStep);
    return !stop.stop_requested();
  }

  // A controller that restarts comes back.
  static bool IsTransient(const absl::Status& status) {
    return absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status);
  }

  // Once, when it begins and when it is over.
  void Tell(const absl::Status& polled) {
    if (polled.ok() == lost_) {
      if (polled.ok()) {
        session_.err << "the controller answers again\n";
      } else {
        PrintError(polled, session_.err);
        session_.err << "trying again until it answers\n";
      }
    }
    lost_ = !polled.ok();
  }

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
  // Whether the last poll failed.
  bool lost_ = false;
};

}  // namespace

absl::StatusOr<ExitCode> WatchNodes(const GetOptions& options, Session& session) {
  return NodeWatch(options, session).Run();
}

}  // namespace hotplugger::client::fleet
