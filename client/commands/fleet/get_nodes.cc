#include <string>

#include "client/commands/fleet/get_lists.h"
#include "client/list_all.h"
#include "client/node_rows.h"
#include "client/text.h"
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

}  // namespace

absl::Status GetNodes(const GetOptions& options, Session& session) {
  if (options.name) return GetOneNode(options, session);
  v1::ListNodesRequest request;
  request.set_policy(options.policy);
  request.set_summary_only(session.names_only);
  ASSIGN_OR_RETURN(const v1::ListNodesResponse nodes, ListAllNodes(*session.fleet, request));
  if (session.format != OutputFormat::kTable) {
    return PrintDocument(nodes, session.format, session.out);
  }
  PrintNodes(nodes.nodes(), options, session);
  return absl::OkStatus();
}

}  // namespace hotplugger::client::fleet
