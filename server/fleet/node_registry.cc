#include "server/fleet/node_registry.h"

#include <utility>

#include "common/status_macros.h"
#include "server/fleet/node_errors.h"
#include "server/fleet/node_events.h"

namespace hotplugger::server {

void NodeRegistry::TellLocked(NodeRecord* node) {
  if (feed_ != nullptr) feed_->Put({v1::WatchFleetRequest::KIND_NODES, node->facts().name});
  if (events_ == nullptr) return;
  for (const NewEvent& event : node->TakeEvents()) events_->Add(event);
}

void NodeRegistry::TellGone(const std::string& name) {
  if (feed_ != nullptr) feed_->Erase({v1::WatchFleetRequest::KIND_NODES, name});
}

void NodeRegistry::MeasureLocked(NodeRecord* node) {
  const SpecTimes times = node->TakeTimes();
  if (counters_ == nullptr) return;
  if (times.push) counters_->spec_push_duration.Observe(*times.push);
  if (times.ack) counters_->spec_ack_duration.Observe(*times.ack);
  if (times.convergence) counters_->spec_convergence_duration.Observe(*times.convergence);
}

void NodeRegistry::Restore(const std::string& name, Labels labels, std::string metrics_address) {
  MutexLock lock(&mutex_);
  RestoreLocked(name, std::move(labels), std::move(metrics_address));
}

bool NodeRegistry::RestoreIfAbsent(const std::string& name, Labels labels,
                                   std::string metrics_address) {
  MutexLock lock(&mutex_);
  const auto known = nodes_.find(name);
  if (known != nodes_.end() && !known->second.facts().stranger) return false;
  RestoreLocked(name, std::move(labels), std::move(metrics_address));
  return true;
}

void NodeRegistry::RestoreLocked(const std::string& name, Labels labels,
                                 std::string metrics_address) {
  NodeRecord& node = nodes_[name];
  if (node.BecomeMember()) --strangers_;
  node.SetIdentity(name, {.labels = std::move(labels),
                          .boot_id = "",
                          .agent_version = "",
                          .metrics_address = std::move(metrics_address)});
  TellLocked(&node);
}

absl::Status NodeRegistry::Admit(std::shared_ptr<NodeLink> link) {
  MutexLock lock(&mutex_);
  if (closed_) return RegistryShuttingDown();
  return waiting_.Add(std::move(link));
}

void NodeRegistry::Forget(const NodeLink* link) {
  MutexLock lock(&mutex_);
  waiting_.Remove(link);
}

absl::StatusOr<NodeRegistry::Attached> NodeRegistry::Attach(const v1::Hello& hello,
                                                            std::shared_ptr<NodeLink> link) {
  MutexLock lock(&mutex_);
  if (closed_) return RegistryShuttingDown();
  waiting_.Remove(link.get());
  const auto known = nodes_.find(hello.node());
  const bool is_member = known != nodes_.end() && !known->second.facts().stranger;
  if (!is_member && nodes_.size() - strangers_ >= max_nodes_) {
    absl::Status full = TooManyNodes(hello, max_nodes_);
    // There is no node that could have a condition.
    if (events_ != nullptr) {
      events_->Add(
          {EventType::kNodeTurnedAway, NodeResource(hello.node()), std::string(full.message())});
    }
    return full;
  }
  if (known != nodes_.end()) RETURN_IF_ERROR(CheckNameLocked(hello, &known->second));
  NodeRecord& node = nodes_[hello.node()];
  if (node.BecomeMember()) --strangers_;
  if (node.Clear(kTurnedAway)) TellLocked(&node);
  Attached attached{{hello.node(), ++last_stream_id_}, nullptr};
  attached.displaced = node.Connect(hello, std::move(link), attached.key.id, clock_->Now());
  TellLocked(&node);
  return attached;
}

absl::Status NodeRegistry::CheckNameLocked(const v1::Hello& hello, NodeRecord* node) {
  absl::Status taken;
  const std::string& holder = node->facts().identity->boot_id;
  // An agent that was started anew displaces the one before, which doesn't come back. This one has.
  if (node->WasDisplaced(hello.instance_id())) taken = NameTakenByAgent(hello);
  if (node->facts().connected && holder != hello.boot_id()) taken = NameTaken(hello, holder);
  if (!taken.ok()) NoteClaimLocked(node, taken);
  return taken;
}

bool NodeRegistry::NoteClaimLocked(NodeRecord* node, const absl::Status& taken) {
  node->NoteTry(clock_->Now());
  if (!node->Raise(kNameInUse, taken.message(), clock_->Now())) return false;
  TellLocked(node);
  return true;
}

bool NodeRegistry::NoteTurnedAway(const v1::Hello& hello, const absl::Status& why) {
  MutexLock lock(&mutex_);
  const auto known = nodes_.find(hello.node());
  if (known == nodes_.end() && strangers_ >= max_nodes_) return true;
  NodeRecord& node = nodes_[hello.node()];
  if (node.facts().connected) return NoteClaimLocked(&node, NameOfAnotherFleet(hello, why));
  node.NoteTry(clock_->Now());
  if (node.facts().identity == nullptr) {
    node.SetIdentity(hello.node(), {.labels = {hello.labels().begin(), hello.labels().end()},
                                    .boot_id = "",
                                    .agent_version = "",
                                    .metrics_address = ""});
    node.BecomeStranger();
    ++strangers_;
  }
  if (!node.Raise(kTurnedAway, why.message(), clock_->Now())) return false;
  TellLocked(&node);
  return true;
}

void NodeRegistry::ForgetStrangersLocked() {
  for (auto it = nodes_.begin(); it != nodes_.end();) {
    if (it->second.facts().stranger && clock_->Now() - it->second.last_try() > kStrangerMemory) {
      const std::string name = it->first;
      it = nodes_.erase(it);
      --strangers_;
      TellGone(name);
    } else {
      ++it;
    }
  }
}

void NodeRegistry::MarkWelcomed(const StreamKey& key) {
  MutexLock lock(&mutex_);
  if (NodeRecord* const node = FindLocked(key)) node->MarkWelcomed();
}

void NodeRegistry::MarkReady(const StreamKey& key) {
  MutexLock lock(&mutex_);
  if (NodeRecord* const node = FindLocked(key)) node->MarkReady();
}

void NodeRegistry::Detach(const StreamKey& key) {
  MutexLock lock(&mutex_);
  const auto it = nodes_.find(key.node);
  if (it == nodes_.end() || it->second.stream_id() != key.id) return;
  it->second.Disconnect();
  TellLocked(&it->second);
}

absl::StatusOr<NodeRegistry::Stream> NodeRegistry::FindStream(const std::string& node) {
  MutexLock lock(&mutex_);
  const auto it = nodes_.find(node);
  if (it == nodes_.end()) return NodeNotFound(node);
  const NodeRecord& record = it->second;
  if (record.link() == nullptr) return NodeNotConnected(node);
  return Stream{{node, record.stream_id()}, record.welcomed() ? record.link() : nullptr};
}

NodeRecord* NodeRegistry::FindLocked(const StreamKey& key) {
  const auto it = nodes_.find(key.node);
  if (it == nodes_.end() || !it->second.facts().connected || it->second.stream_id() != key.id) {
    return nullptr;
  }
  it->second.NoteContact(clock_->Now());
  return &it->second;
}

bool NodeRegistry::RecordContact(const StreamKey& key) {
  MutexLock lock(&mutex_);
  return FindLocked(key) != nullptr;
}

void NodeRegistry::RecordInventory(const StreamKey& key, const v1::Inventory& inventory) {
  auto recorded = std::make_shared<const v1::Inventory>(inventory);
  MutexLock lock(&mutex_);
  NodeRecord* const node = FindLocked(key);
  if (node == nullptr) return;
  node->TakeInventory(std::move(recorded));
  TellLocked(node);
}

RecordedReport NodeRegistry::RecordReport(const StreamKey& key, const v1::NodeReport& report) {
  auto recorded = std::make_shared<const v1::NodeReport>(report);
  MutexLock lock(&mutex_);
  NodeRecord* const node = FindLocked(key);
  if (node == nullptr) return {};
  RecordedReport result = node->TakeReport(std::move(recorded), steady_clock_->Now());
  MeasureLocked(node);
  TellLocked(node);
  return result;
}

bool NodeRegistry::RecordAck(const StreamKey& key, const v1::SpecAck& ack) {
  MutexLock lock(&mutex_);
  NodeRecord* const node = FindLocked(key);
  if (node == nullptr || !node->IsOfPush(ack)) return false;
  const bool refused = node->TakeAck(ack, steady_clock_->Now());
  MeasureLocked(node);
  TellLocked(node);
  return refused;
}

bool NodeRegistry::ForgetRejection(const StreamKey& key, const std::string& digest) {
  MutexLock lock(&mutex_);
  NodeRecord* const node = FindLocked(key);
  if (node == nullptr || !node->ForgetRejection(digest)) return false;
  TellLocked(node);
  return true;
}

void NodeRegistry::SetDesired(const std::string& name, std::shared_ptr<const Resolution> desired) {
  MutexLock lock(&mutex_);
  const auto it = nodes_.find(name);
  if (it == nodes_.end()) return;
  if (it->second.SetDesired(std::move(desired), steady_clock_->Now())) TellLocked(&it->second);
}

std::vector<SpecPush> NodeRegistry::TakePushes() {
  std::vector<SpecPush> pushes;
  MutexLock lock(&mutex_);
  for (auto& [name, node] : nodes_) {
    if (node.NeedsPush()) pushes.push_back(node.TakePush(++last_push_));
  }
  return pushes;
}

void NodeRegistry::NoteHandedOver(const SpecPush& push) {
  MutexLock lock(&mutex_);
  const auto it = nodes_.find(push.node);
  if (it == nodes_.end()) return;
  it->second.NoteHandedOver(push, steady_clock_->Now());
  MeasureLocked(&it->second);
}

NodeRegistry::PingRound NodeRegistry::TakePingRound(uint64_t shard, uint64_t shards) {
  PingRound round;
  MutexLock lock(&mutex_);
  for (auto& [name, node] : nodes_) {
    if (!node.facts().connected || node.stream_id() % shards != shard) continue;
    if (clock_->Now() - node.last_try() > kNameInUseMemory && node.Clear(kNameInUse)) {
      TellLocked(&node);
    }
    if (node.IsSilent()) {
      round.dead.push_back(node.link());
      node.Disconnect();
      TellLocked(&node);
    } else {
      node.NotePing();
      round.ping.push_back(node.link());
    }
  }
  if (shard != 0) return round;
  ForgetStrangersLocked();
  waiting_.EndRound(&round.dead);
  return round;
}

std::vector<NodeSnapshot> NodeRegistry::Snapshot(Scope scope) {
  std::vector<NodeSnapshot> snapshots;
  MutexLock lock(&mutex_);
  snapshots.reserve(nodes_.size());
  for (const auto& [name, node] : nodes_) {
    if (scope == Scope::kAll || !node.facts().stranger) snapshots.push_back(node.Snapshot());
  }
  return snapshots;
}

std::vector<NodeSnapshot> NodeRegistry::SnapshotAfter(absl::string_view name, size_t limit,
                                                      Scope scope) {
  std::vector<NodeSnapshot> snapshots;
  MutexLock lock(&mutex_);
  for (auto it = nodes_.upper_bound(name); it != nodes_.end() && snapshots.size() < limit; ++it) {
    const NodeRecord& node = it->second;
    if (scope == Scope::kAll || !node.facts().stranger) snapshots.push_back(node.Snapshot());
  }
  return snapshots;
}

absl::StatusOr<NodeSnapshot> NodeRegistry::Get(absl::string_view name) {
  MutexLock lock(&mutex_);
  const auto it = nodes_.find(std::string(name));
  if (it == nodes_.end()) return NodeNotFound(name);
  return it->second.Snapshot();
}

bool NodeRegistry::Knows(absl::string_view name) {
  MutexLock lock(&mutex_);
  return nodes_.find(name) != nodes_.end();
}

absl::Status NodeRegistry::CheckRemovable(const std::string& name) {
  MutexLock lock(&mutex_);
  return CheckRemovableLocked(name);
}

absl::Status NodeRegistry::CheckRemovableLocked(const std::string& name) const {
  const auto it = nodes_.find(name);
  if (it == nodes_.end()) return NodeNotFound(name);
  if (it->second.facts().connected) return NodeIsConnected(name);
  return absl::OkStatus();
}

absl::Status NodeRegistry::Remove(const std::string& name) {
  MutexLock lock(&mutex_);
  RETURN_IF_ERROR(CheckRemovableLocked(name));
  if (nodes_[name].BecomeMember()) --strangers_;
  nodes_.erase(name);
  if (totals_ != nullptr) totals_->Forget(name);
  TellGone(name);
  return absl::OkStatus();
}

void NodeRegistry::CloseAll(const absl::Status& status) {
  std::vector<std::shared_ptr<NodeLink>> links;
  {
    MutexLock lock(&mutex_);
    closed_ = true;
    for (auto& [name, node] : nodes_) {
      if (node.link() == nullptr) continue;
      links.push_back(node.link());
      node.Disconnect();
      TellLocked(&node);
    }
    waiting_.TakeAll(&links);
  }
  for (const std::shared_ptr<NodeLink>& link : links) link->Close(status);
}

}  // namespace hotplugger::server
