#include "server/fleet/node_operations.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/core_name.h"
#include "common/driver_rules.h"
#include "common/error_info.h"
#include "common/log.h"
#include "common/proto_time.h"
#include "common/status_macros.h"
#include "server/fleet/node_conditions.h"
#include "server/fleet/node_events.h"
#include "server/fleet/node_filter.h"
#include "server/fleet/pagination.h"
#include "server/fleet/policy_operations.h"
#include "server/fleet/request_check.h"
#include "server/policy/subject_claims.h"

namespace hotplugger::server {

namespace {

std::optional<CoreName> CoreOf(const std::string& cpu, const NodeSnapshot& node) {
  if (node.inventory == nullptr) return std::nullopt;
  for (const v1::Device& device : node.inventory->devices()) {
    if (device.name() != cpu || !device.cpu().has_core()) continue;
    return CoreName{device.cpu().package(), device.cpu().die(), device.cpu().core()};
  }
  return std::nullopt;
}

// What the node has said of the subject.
void AddReported(const std::string& subject, const NodeSnapshot& node,
                 v1::ExplainSubjectResponse* response) {
  if (node.report != nullptr) {
    response->set_state(node.report->state());
    for (const v1::ItemResult& item : node.report->items()) {
      if (item.subject() == subject) *response->add_last_results() = item;
    }
    for (const v1::DriftItem& drift : node.report->drift()) {
      if (drift.subject() == subject) *response->add_drift() = drift;
    }
  }
  if (node.inventory == nullptr) return;
  for (const v1::Driver& driver : node.inventory->drivers()) {
    if (absl::StrCat("driver/", NormalizeDriverName(driver.name())) == subject) {
      *response->mutable_driver() = driver;
    }
  }
}

}  // namespace

v1::Node ToProto(const NodeSnapshot& node, bool summary_only) {
  v1::Node proto;
  proto.set_name(node.name);
  proto.mutable_labels()->insert(node.identity->labels.begin(), node.identity->labels.end());
  proto.set_boot_id(node.identity->boot_id);
  proto.set_agent_version(node.identity->agent_version);
  proto.set_metrics_address(node.identity->metrics_address);
  proto.set_connected(node.connected);
  if (node.last_contact != absl::InfinitePast()) {
    SetTimestamp(node.last_contact, proto.mutable_last_contact_time());
  }
  proto.set_applied_digest(node.applied_digest);
  proto.set_in_sync(node.in_sync());
  if (node.report != nullptr) *proto.mutable_report() = *node.report;
  for (auto& [type, condition] : ConditionsOf(node)) *proto.add_conditions() = condition;
  if (node.desired != nullptr) {
    proto.set_desired_digest(node.desired->digest);
    for (const PolicyConflict& conflict : node.desired->conflicts) {
      proto.add_conflicts(conflict.message);
    }
  }
  if (summary_only) return proto;
  if (node.inventory != nullptr) *proto.mutable_inventory() = *node.inventory;
  if (node.desired != nullptr) {
    *proto.mutable_spec() = node.desired->spec;
    proto.mutable_sources()->Add(node.desired->sources.begin(), node.desired->sources.end());
  }
  return proto;
}

absl::StatusOr<v1::GetNodeResponse> NodeOperations::Get(const v1::GetNodeRequest& request) {
  RETURN_IF_ERROR(RequestCheck().NodeName("name", request.name()).status());
  ASSIGN_OR_RETURN(const NodeSnapshot node, state_->registry()->Get(request.name()));
  v1::GetNodeResponse response;
  *response.mutable_node() = ToProto(node, /*summary_only=*/false);
  return response;
}

absl::StatusOr<v1::ListNodesResponse> NodeOperations::List(const v1::ListNodesRequest& request) {
  const v1::NodeFilter& filter = request.filter();
  Violations violations;
  CheckFilter(filter, &violations);
  RETURN_IF_ERROR(MakeFieldErrors(violations));
  ASSIGN_OR_RETURN(Page page, Page::Parse(request.page_size(), request.page_token(),
                                          ScopeOf("ListNodes", filter)));
  const v1::Selector* of_policy = nullptr;
  if (!filter.policy().empty()) {
    const auto policy = state_->policies().find(filter.policy());
    if (policy == state_->policies().end()) return PolicyNotFound(filter.policy());
    of_policy = &policy->second.message.selector();
  }
  v1::ListNodesResponse response;
  std::string last;
  for (const NodeSnapshot& node : state_->registry()->Snapshot(NodeRegistry::Scope::kAll)) {
    if (node.name <= page.start_after() || !MeetsFilter(node, filter, of_policy)) continue;
    v1::Node proto = ToProto(node, request.summary_only());
    if (!page.Take(proto.ByteSizeLong())) {
      response.set_next_page_token(page.TokenAfter(last));
      break;
    }
    *response.add_nodes() = std::move(proto);
    last = node.name;
  }
  return response;
}

absl::StatusOr<v1::ExplainSubjectResponse> NodeOperations::Explain(
    const v1::ExplainSubjectRequest& request) {
  RETURN_IF_ERROR(RequestCheck().NodeName("node", request.node()).status());
  ExplainedSubject explained;
  std::string name = request.subject();
  if (name != "smt") {
    absl::StatusOr<Subject> subject = ParseSubject(name);
    if (!subject.ok()) {
      return MakeFieldErrors({{"subject", std::string(subject.status().message())}});
    }
    name = FormatSubject(*subject);
    explained.subject = *std::move(subject);
  }
  ASSIGN_OR_RETURN(const NodeSnapshot node, state_->registry()->Get(request.node()));
  explained.core = CoreOf(name, node);
  std::vector<const v1::Policy*> policies;
  for (const auto& [policy, record] : state_->policies()) policies.push_back(&record.message);
  std::vector<const v1::Hold*> holds;
  for (const auto& [held, record] : state_->HoldsOf(node.name)) holds.push_back(&record.message);

  v1::ExplainSubjectResponse response;
  response.set_node(node.name);
  response.set_subject(name);
  const std::vector<v1::Claim> claims =
      FindClaims(explained, node.name, node.identity->labels, policies, holds);
  response.set_summary(SummarizeClaims(name, claims));
  response.mutable_claims()->Add(claims.begin(), claims.end());
  AddReported(name, node, &response);
  return response;
}

absl::StatusOr<v1::DeleteNodeResponse> NodeOperations::Delete(const v1::DeleteNodeRequest& request,
                                                              Change* change) {
  change->SetResource(NodeResource(request.name()));
  RETURN_IF_ERROR(RequestCheck().NodeName("name", request.name()).status());
  ASSIGN_OR_RETURN(const NodeSnapshot node, state_->registry()->Get(request.name()));
  const FleetState::NodeHolds& holds = state_->HoldsOf(node.name);
  if (!holds.empty()) {
    std::vector<std::string> subjects;
    for (const auto& [subject, record] : holds) subjects.push_back(subject);
    return MakeError(absl::StatusCode::kFailedPrecondition, "NODE_HAS_HOLDS",
                     absl::StrCat("node ", node.name, " has holds (", absl::StrJoin(subjects, ", "),
                                  "); release them first"),
                     {{"node", node.name}});
  }
  v1::DeleteNodeResponse response;
  *response.mutable_node() = ToProto(node, /*summary_only=*/false);
  RETURN_IF_ERROR(state_->registry()->CheckRemovable(node.name));
  if (request.validate_only()) return response;
  change->SetOutcome("forgotten", response);
  // Forgotten here first: a node that comes back from now on is stored anew.
  RETURN_IF_ERROR(state_->registry()->Remove(node.name));
  const absl::Status erased = state_->EraseNode(node.name, change);
  if (!erased.ok()) {
    // A stranger is back with its next try.
    if (!node.stranger && state_->registry()->RestoreIfAbsent(node.name, node.identity->labels,
                                                              node.identity->metrics_address)) {
      state_->UpdateDesired(node);
    }
    return erased;
  }
  Log(LogLevel::kInfo, "node deleted", {{"node", node.name}});
  return response;
}

void NodeOperations::Connected(const std::vector<StreamKey>& streams) {
  std::vector<NodeSnapshot> nodes;
  for (const StreamKey& stream : streams) {
    auto node = state_->registry()->Get(stream.node);
    if (node.ok()) nodes.push_back(*std::move(node));
  }
  // A node that can't be stored is served all the same, and stored when it connects again: only its
  // line in the list after a restart depends on it.
  const absl::Status stored = state_->PutNodes(nodes);
  if (!stored.ok()) {
    Log(LogLevel::kError, "nodes not stored",
        {{"count", absl::StrCat(nodes.size())}, {"error", stored.message()}});
  }
  for (const NodeSnapshot& node : nodes) {
    state_->UpdateDesired(node);
    const auto resolved = state_->registry()->Get(node.name);
    if (!resolved.ok() || resolved->desired == nullptr) continue;
    for (const PolicyConflict& conflict : resolved->desired->conflicts) {
      Log(LogLevel::kWarning, "policies disagree on node",
          {{"node", node.name}, {"conflict", conflict.message}});
    }
  }
  for (const StreamKey& stream : streams) state_->registry()->MarkReady(stream);
}

}  // namespace hotplugger::server
