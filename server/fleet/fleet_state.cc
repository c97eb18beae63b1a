#include "server/fleet/fleet_state.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/proto_time.h"
#include "common/status_macros.h"
#include "server/fleet/etag.h"

namespace hotplugger::server {
namespace {

// Nodes stored in one transaction.
constexpr size_t kNodeBatch = 500;

v1::Node ToStored(const NodeSnapshot& node) {
  v1::Node stored;
  stored.set_name(node.name);
  stored.mutable_labels()->insert(node.identity->labels.begin(), node.identity->labels.end());
  stored.set_metrics_address(node.identity->metrics_address);
  return stored;
}

// What a version before etags has stored has none.
template <typename Message>
void Complete(Message* message) {
  if (message->etag().empty()) message->set_etag(MakeEtag(*message));
}

// In the feed.
std::string HoldName(const v1::Hold& hold) {
  return absl::StrCat(hold.node(), "/", hold.subject());
}

template <typename Map>
std::optional<int64_t> RevisionIn(const Map& map, const std::string& key) {
  const auto it = map.find(key);
  return it == map.end() ? std::nullopt : std::optional<int64_t>(it->second.mod_revision);
}

}  // namespace

absl::Status FleetState::Load() {
  ASSIGN_OR_RETURN(revision_, records_->Revision());
  ASSIGN_OR_RETURN(LoadedRecords loaded, records_->Load());
  for (auto& policy : loaded.policies) {
    Complete(&policy.message);
    revisions_[policy.message.name()].emplace(policy.message.revision(), policy.message);
    const std::string name = policy.message.name();
    TellFeed(policy.message);
    policies_[name] = std::move(policy);
  }
  for (auto& revision : loaded.revisions) {
    const int64_t number = revision.message.revision();
    revisions_[revision.message.name()][number] = std::move(revision.message);
  }
  for (auto& hold : loaded.holds) {
    Complete(&hold.message);
    auto& of_node = holds_[hold.message.node()];
    const std::string subject = hold.message.subject();
    TellFeed(hold.message);
    of_node[subject] = std::move(hold);
  }
  for (const auto& node : loaded.nodes) {
    const Labels labels(node.message.labels().begin(), node.message.labels().end());
    const std::string& address = node.message.metrics_address();
    nodes_[node.message.name()] = {labels, address, node.mod_revision};
    registry_->Restore(node.message.name(), labels, address);
  }
  Count();
  for (const NodeSnapshot& node : registry_->Snapshot()) UpdateDesired(node);
  return absl::OkStatus();
}

const FleetState::NodeHolds& FleetState::HoldsOf(const std::string& node) const {
  const auto it = holds_.find(node);
  return it == holds_.end() ? no_holds_ : it->second;
}

const FleetState::Revisions& FleetState::RevisionsOf(const std::string& policy) const {
  const auto it = revisions_.find(policy);
  return it == revisions_.end() ? no_revisions_ : it->second;
}

absl::Time FleetState::NextExpiry() const {
  absl::Time next = absl::InfiniteFuture();
  for (const auto& [node, of_node] : holds_) {
    for (const auto& [subject, record] : of_node) {
      if (record.message.has_expire_time()) {
        next = std::min(next, ToTime(record.message.expire_time()));
      }
    }
  }
  return next;
}

absl::StatusOr<int64_t> FleetState::Commit(RecordBatch* batch, Change* change) {
  if (change != nullptr) change->Stage(batch);
  ASSIGN_OR_RETURN(revision_, records_->Commit(*batch));
  if (change != nullptr) change->Committed();
  return revision_;
}

absl::Status FleetState::PutPolicy(const v1::Policy& policy, Change* change) {
  RecordBatch batch;
  batch.PutPolicy(policy, RevisionIn(policies_, policy.name()));
  batch.PutRevision(policy);
  const Revisions& kept = RevisionsOf(policy.name());
  const bool full = kept.size() >= kMaxRevisions;
  if (full) batch.DeleteRevision(policy.name(), kept.begin()->first);
  ASSIGN_OR_RETURN(const int64_t revision, Commit(&batch, change));
  Revisions& revisions = revisions_[policy.name()];
  if (full) revisions.erase(revisions.begin());
  revisions[policy.revision()] = policy;
  policies_[policy.name()] = {policy, revision};
  TellFeed(policy);
  Count();
  return absl::OkStatus();
}

absl::Status FleetState::ErasePolicy(const std::string& name, Change* change) {
  const auto it = policies_.find(name);
  if (it == policies_.end()) return absl::OkStatus();
  RecordBatch batch;
  batch.DeletePolicy(it->second.message, it->second.mod_revision);
  for (const auto& [number, policy] : RevisionsOf(name)) batch.DeleteRevision(name, number);
  RETURN_IF_ERROR(Commit(&batch, change).status());
  policies_.erase(it);
  revisions_.erase(name);
  TellFeedGone(v1::WatchFleetRequest::KIND_POLICIES, name);
  Count();
  return absl::OkStatus();
}

absl::Status FleetState::PutHold(const v1::Hold& hold, const std::vector<v1::Hold>& replaced,
                                 Change* change) {
  RecordBatch batch;
  const NodeHolds& existing = HoldsOf(hold.node());
  batch.PutHold(hold, RevisionIn(existing, hold.subject()));
  for (const v1::Hold& old : replaced) {
    batch.DeleteHold(old, RevisionIn(existing, old.subject()).value_or(0));
  }
  ASSIGN_OR_RETURN(const int64_t revision, Commit(&batch, change));
  NodeHolds& of_node = holds_[hold.node()];
  for (const v1::Hold& old : replaced) {
    of_node.erase(old.subject());
    TellFeedGone(v1::WatchFleetRequest::KIND_HOLDS, HoldName(old));
  }
  of_node[hold.subject()] = {hold, revision};
  TellFeed(hold);
  Count();
  return absl::OkStatus();
}

absl::Status FleetState::EraseHold(const v1::Hold& hold, Change* change) {
  const std::optional<int64_t> revision = RevisionIn(HoldsOf(hold.node()), hold.subject());
  if (!revision) return absl::OkStatus();
  RecordBatch batch;
  batch.DeleteHold(hold, *revision);
  RETURN_IF_ERROR(Commit(&batch, change).status());
  const auto of_node = holds_.find(hold.node());
  of_node->second.erase(hold.subject());
  if (of_node->second.empty()) holds_.erase(of_node);
  TellFeedGone(v1::WatchFleetRequest::KIND_HOLDS, HoldName(hold));
  Count();
  return absl::OkStatus();
}

absl::Status FleetState::PutNodes(const std::vector<NodeSnapshot>& nodes) {
  for (size_t begin = 0; begin < nodes.size(); begin += kNodeBatch) {
    RecordBatch batch;
    std::vector<const NodeSnapshot*> put;
    for (size_t i = begin; i < nodes.size() && i < begin + kNodeBatch; ++i) {
      const auto stored = nodes_.find(nodes[i].name);
      const NodeIdentity& identity = *nodes[i].identity;
      if (stored != nodes_.end() && stored->second.labels == identity.labels &&
          stored->second.metrics_address == identity.metrics_address) {
        continue;
      }
      batch.PutNode(ToStored(nodes[i]), RevisionIn(nodes_, nodes[i].name));
      put.push_back(&nodes[i]);
    }
    if (batch.empty()) continue;
    ASSIGN_OR_RETURN(const int64_t revision, records_->Commit(batch));
    for (const NodeSnapshot* node : put) {
      nodes_[node->name] = {node->identity->labels, node->identity->metrics_address, revision};
    }
  }
  return absl::OkStatus();
}

absl::Status FleetState::EraseNode(const std::string& name, Change* change) {
  RecordBatch batch;
  const auto it = nodes_.find(name);
  // One that was never stored is deleted all the same, and that is in the audit log.
  if (it != nodes_.end()) {
    v1::Node node;
    node.set_name(name);
    batch.DeleteNode(node, it->second.mod_revision);
  }
  RETURN_IF_ERROR(Commit(&batch, change).status());
  nodes_.erase(name);
  return absl::OkStatus();
}

std::shared_ptr<const Resolution> FleetState::Resolve(const NodeSnapshot& node) const {
  return Resolve(node, WhatIf());
}

std::shared_ptr<const Resolution> FleetState::Resolve(const NodeSnapshot& node,
                                                      const WhatIf& what_if) const {
  std::vector<const v1::Policy*> policies;
  policies.reserve(policies_.size() + 1);
  for (const auto& [name, record] : policies_) {
    const bool replaced = what_if.put_policy != nullptr && name == what_if.put_policy->name();
    const bool erased = what_if.erased_policy != nullptr && name == *what_if.erased_policy;
    if (!replaced && !erased) policies.push_back(&record.message);
  }
  if (what_if.put_policy != nullptr) policies.push_back(what_if.put_policy);
  std::vector<const v1::Hold*> holds;
  for (const auto& [subject, record] : HoldsOf(node.name)) {
    const bool replaced = what_if.put_hold != nullptr && subject == what_if.put_hold->subject();
    if (!replaced && what_if.erased_holds.count(subject) == 0) holds.push_back(&record.message);
  }
  if (what_if.put_hold != nullptr) holds.push_back(what_if.put_hold);
  return std::make_shared<const Resolution>(
      server::Resolve(node.name, node.identity->labels, policies, holds));
}

void FleetState::UpdateDesired(const NodeSnapshot& node) {
  registry_->SetDesired(node.name, Resolve(node));
}

void FleetState::TellFeed(const v1::Policy& policy) {
  if (feed_ == nullptr) return;
  auto event = std::make_shared<v1::WatchFleetResponse>();
  *event->mutable_policy() = policy;
  feed_->Put({v1::WatchFleetRequest::KIND_POLICIES, policy.name()}, std::move(event));
}

void FleetState::TellFeed(const v1::Hold& hold) {
  if (feed_ == nullptr) return;
  auto event = std::make_shared<v1::WatchFleetResponse>();
  *event->mutable_hold() = hold;
  feed_->Put({v1::WatchFleetRequest::KIND_HOLDS, HoldName(hold)}, std::move(event));
}

void FleetState::TellFeedGone(ChangeFeed::Kind kind, const std::string& name) {
  if (feed_ != nullptr) feed_->Erase({kind, name});
}

void FleetState::Count() {
  int64_t holds = 0;
  for (const auto& [node, of_node] : holds_) holds += static_cast<int64_t>(of_node.size());
  counters_->policies.store(static_cast<int64_t>(policies_.size()), std::memory_order_relaxed);
  counters_->holds.store(holds, std::memory_order_relaxed);
}

}  // namespace hotplugger::server
