#include "server/fleet/fleet_state.h"

#include <optional>
#include <set>
#include <utility>

#include "common/status_macros.h"

namespace hotplugger::server {
namespace {

// Nodes stored in one transaction.
constexpr size_t kNodeBatch = 500;

v1::Node ToStored(const NodeSnapshot& node) {
  v1::Node stored;
  stored.set_name(node.name);
  stored.mutable_labels()->insert(node.identity->labels.begin(), node.identity->labels.end());
  return stored;
}

template <typename Map>
std::optional<int64_t> RevisionIn(const Map& map, const std::string& key) {
  const auto it = map.find(key);
  return it == map.end() ? std::nullopt : std::optional<int64_t>(it->second.mod_revision);
}

}  // namespace

absl::Status FleetState::Load() {
  ASSIGN_OR_RETURN(LoadedRecords loaded, records_->Load());
  for (auto& policy : loaded.policies) {
    const std::string name = policy.message.name();
    policies_[name] = std::move(policy);
  }
  for (auto& hold : loaded.holds) {
    auto& of_node = holds_[hold.message.node()];
    const std::string subject = hold.message.subject();
    of_node[subject] = std::move(hold);
  }
  for (const auto& node : loaded.nodes) {
    const Labels labels(node.message.labels().begin(), node.message.labels().end());
    nodes_[node.message.name()] = {labels, node.mod_revision};
    registry_->Restore(node.message.name(), labels);
  }
  Count();
  for (const NodeSnapshot& node : registry_->Snapshot()) UpdateDesired(node);
  return absl::OkStatus();
}

const FleetState::NodeHolds& FleetState::HoldsOf(const std::string& node) const {
  const auto it = holds_.find(node);
  return it == holds_.end() ? no_holds_ : it->second;
}

absl::Status FleetState::PutPolicy(const v1::Policy& policy) {
  RecordBatch batch;
  batch.PutPolicy(policy, RevisionIn(policies_, policy.name()));
  ASSIGN_OR_RETURN(const int64_t revision, records_->Commit(batch));
  policies_[policy.name()] = {policy, revision};
  Count();
  return absl::OkStatus();
}

absl::Status FleetState::ErasePolicy(const std::string& name) {
  const auto it = policies_.find(name);
  if (it == policies_.end()) return absl::OkStatus();
  RecordBatch batch;
  batch.DeletePolicy(it->second.message, it->second.mod_revision);
  RETURN_IF_ERROR(records_->Commit(batch).status());
  policies_.erase(it);
  Count();
  return absl::OkStatus();
}

absl::Status FleetState::PutHold(const v1::Hold& hold, const std::vector<v1::Hold>& replaced) {
  RecordBatch batch;
  const NodeHolds& existing = HoldsOf(hold.node());
  batch.PutHold(hold, RevisionIn(existing, hold.subject()));
  for (const v1::Hold& old : replaced) {
    batch.DeleteHold(old, RevisionIn(existing, old.subject()).value_or(0));
  }
  ASSIGN_OR_RETURN(const int64_t revision, records_->Commit(batch));
  NodeHolds& of_node = holds_[hold.node()];
  for (const v1::Hold& old : replaced) of_node.erase(old.subject());
  of_node[hold.subject()] = {hold, revision};
  Count();
  return absl::OkStatus();
}

absl::Status FleetState::EraseHold(const v1::Hold& hold) {
  const std::optional<int64_t> revision = RevisionIn(HoldsOf(hold.node()), hold.subject());
  if (!revision) return absl::OkStatus();
  RecordBatch batch;
  batch.DeleteHold(hold, *revision);
  RETURN_IF_ERROR(records_->Commit(batch).status());
  const auto of_node = holds_.find(hold.node());
  of_node->second.erase(hold.subject());
  if (of_node->second.empty()) holds_.erase(of_node);
  Count();
  return absl::OkStatus();
}

absl::Status FleetState::PutNodes(const std::vector<NodeSnapshot>& nodes) {
  for (size_t begin = 0; begin < nodes.size(); begin += kNodeBatch) {
    RecordBatch batch;
    std::vector<const NodeSnapshot*> put;
    for (size_t i = begin; i < nodes.size() && i < begin + kNodeBatch; ++i) {
      const auto stored = nodes_.find(nodes[i].name);
      if (stored != nodes_.end() && stored->second.labels == nodes[i].identity->labels) continue;
      batch.PutNode(ToStored(nodes[i]), RevisionIn(nodes_, nodes[i].name));
      put.push_back(&nodes[i]);
    }
    if (batch.empty()) continue;
    ASSIGN_OR_RETURN(const int64_t revision, records_->Commit(batch));
    for (const NodeSnapshot* node : put) nodes_[node->name] = {node->identity->labels, revision};
  }
  return absl::OkStatus();
}

absl::Status FleetState::EraseNode(const std::string& name) {
  const auto it = nodes_.find(name);
  if (it == nodes_.end()) return absl::OkStatus();
  v1::Node node;
  node.set_name(name);
  RecordBatch batch;
  batch.DeleteNode(node, it->second.mod_revision);
  RETURN_IF_ERROR(records_->Commit(batch).status());
  nodes_.erase(it);
  return absl::OkStatus();
}

std::shared_ptr<const Resolution> FleetState::Resolve(const NodeSnapshot& node,
                                                      const v1::Policy* candidate) const {
  std::vector<const v1::Policy*> policies;
  policies.reserve(policies_.size() + 1);
  for (const auto& [name, record] : policies_) {
    if (candidate == nullptr || name != candidate->name()) policies.push_back(&record.message);
  }
  if (candidate != nullptr) policies.push_back(candidate);
  std::vector<const v1::Hold*> holds;
  for (const auto& [subject, record] : HoldsOf(node.name)) holds.push_back(&record.message);
  return std::make_shared<const Resolution>(
      server::Resolve(node.name, node.identity->labels, policies, holds));
}

std::shared_ptr<const Resolution> FleetState::ResolveWithHold(
    const NodeSnapshot& node, const v1::Hold& hold, const std::vector<v1::Hold>& replaced) const {
  std::vector<const v1::Policy*> policies;
  for (const auto& [name, record] : policies_) policies.push_back(&record.message);
  std::set<std::string> gone = {hold.subject()};
  for (const v1::Hold& old : replaced) gone.insert(old.subject());
  std::vector<const v1::Hold*> holds = {&hold};
  for (const auto& [subject, record] : HoldsOf(node.name)) {
    if (gone.count(subject) == 0) holds.push_back(&record.message);
  }
  return std::make_shared<const Resolution>(
      server::Resolve(node.name, node.identity->labels, policies, holds));
}

void FleetState::UpdateDesired(const NodeSnapshot& node) {
  registry_->SetDesired(node.name, Resolve(node));
}

void FleetState::Count() {
  int64_t holds = 0;
  for (const auto& [node, of_node] : holds_) holds += static_cast<int64_t>(of_node.size());
  counters_->policies.store(static_cast<int64_t>(policies_.size()), std::memory_order_relaxed);
  counters_->holds.store(holds, std::memory_order_relaxed);
}

}  // namespace hotplugger::server
