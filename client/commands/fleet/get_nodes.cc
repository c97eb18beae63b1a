#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/commands/fleet/get_lists.h"
#include "client/commands/fleet/list_watch.h"
#include "client/list_all.h"
#include "client/list_filter.h"
#include "client/node_rows.h"
#include "client/text.h"
#include "common/error_info.h"
#include "common/status_macros.h"

namespace hotplugger::client::fleet {
namespace {

void PrintNodes(const google::protobuf::RepeatedPtrField<v1::Node>& nodes,
                const GetOptions& options, Session& session) {
  if (session.names_only) {
    for (const v1::Node& node : nodes) session.out << "node/" << Printable(node.name()) << '\n';
    return;
  }
  Table table = NodeTable(session.wide);
  for (const v1::Node& node : nodes) {
    AddNodeRow(node, session.clock.Now(), session.wide, &table);
  }
  table.Print(session.out, StyleOf(options, session));
}

absl::Status GetOneNode(const GetOptions& options, Session& session) {
  v1::GetNodeRequest request;
  request.set_name(*options.name);
  ASSIGN_OR_RETURN(const v1::GetNodeResponse response, session.fleet->GetNode(request));
  if (session.format != OutputFormat::kTable) {
    return PrintDocument(response, session.format, session.out);
  }
  google::protobuf::RepeatedPtrField<v1::Node> nodes;
  *nodes.Add() = response.node();
  PrintNodes(nodes, options, session);
  return absl::OkStatus();
}

// Tells one state of a node from another. The time of the last contact is no part of it.
std::string MarkOf(v1::Node node, const Session& session) {
  node.clear_last_contact_time();
  if (session.format == OutputFormat::kTable) {
    return absl::StrJoin(NodeCells(node, absl::InfinitePast(), session.wide), "\n");
  }
  const auto json = ToJsonLine(node);
  return json.ok() ? *json : "";
}

// The policy by whose selector nodes are chosen.
struct Chooser {
  v1::Policy policy;
  // Whether the watch has told of it since its last reset.
  bool seen = false;
};

// Whether it is another one now.
absl::StatusOr<bool> TakePolicy(const v1::WatchFleetResponse& answer, Chooser* chooser) {
  const std::string& name = chooser->policy.name();
  if (answer.has_reset()) chooser->seen = false;
  // After a reset what is gone isn't told.
  if ((answer.has_synced() && !chooser->seen) ||
      (answer.has_deleted_policy() && answer.deleted_policy() == name)) {
    return MakeError(
        absl::StatusCode::kNotFound, "POLICY_NOT_FOUND",
        absl::StrCat("policy ", Printable(name), ", whose nodes were watched, has been deleted"));
  }
  if (!answer.has_policy() || answer.policy().name() != name) return false;
  chooser->seen = true;
  if (answer.policy().revision() == chooser->policy.revision()) return false;
  chooser->policy = answer.policy();
  return true;
}

}  // namespace

absl::Status GetNodes(const GetOptions& options, Session& session) {
  if (options.kind == "node") return GetOneNode(options, session);
  v1::ListNodesRequest request;
  *request.mutable_filter() = options.nodes;
  request.set_summary_only(session.names_only);
  ASSIGN_OR_RETURN(const v1::ListNodesResponse nodes, ListAllNodes(*session.fleet, request));
  if (session.format != OutputFormat::kTable) {
    return PrintDocument(nodes, session.format, session.out);
  }
  PrintNodes(nodes.nodes(), options, session);
  return absl::OkStatus();
}

absl::StatusOr<ExitCode> WatchNodes(const GetOptions& options, Session& session) {
  // The watch tells of all nodes; which of them a policy matches its selector says.
  std::optional<Chooser> chooser;
  WatchedKind kind = {v1::WatchFleetRequest::KIND_NODES, "node"};
  if (!options.nodes.policy().empty()) {
    v1::GetPolicyRequest request;
    request.set_name(options.nodes.policy());
    ASSIGN_OR_RETURN(v1::GetPolicyResponse response, session.fleet->GetPolicy(request));
    chooser = Chooser{std::move(*response.mutable_policy())};
    kind.also.push_back(v1::WatchFleetRequest::KIND_POLICIES);
  }
  kind.name = [](const WatchedItem& item) { return item.node().name(); };
  kind.message = [](const WatchedItem& item) -> const auto& { return item.node(); };
  kind.wants = [&](const WatchedItem& item) {
    return MatchesFilter(options.nodes, item.node()) &&
           (!chooser || MatchesSelector(chooser->policy.selector(), item.node()));
  };
  kind.table = [&session] { return NodeTable(session.wide); };
  kind.add_row = [&session](const WatchedItem& item, Table* table) {
    AddNodeRow(item.node(), session.clock.Now(), session.wide, table);
  };
  kind.add_gone = [&session](const WatchedItem& item, Table* table) {
    AddGoneNodeRow(item.node().name(), session.wide, table);
  };
  kind.mark = [&session](const WatchedItem& item) { return MarkOf(item.node(), session); };
  kind.summary_only = session.names_only;
  if (chooser) {
    kind.on_other = [&chooser](const v1::WatchFleetResponse& answer) {
      return TakePolicy(answer, &*chooser);
    };
  }
  return WatchList(kind, options, session);
}

}  // namespace hotplugger::client::fleet
