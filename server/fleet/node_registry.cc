#include "server/fleet/node_registry.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/error_info.h"
#include "common/proto_time.h"
#include "common/status_macros.h"
#include "server/fleet/node_events.h"

namespace hotplugger::server {
namespace {

constexpr char kTurnedAway[] = "TURNED_AWAY";
constexpr char kNameInUse[] = "NAME_IN_USE";
constexpr absl::Duration kFullRetryDelay = absl::Seconds(30);
// Of the errors that a node gives for a refusal, so much is kept for show.
constexpr size_t kMaxNackMessage = 4096;

absl::Status NodeNotFound(absl::string_view name) {
  return MakeError(absl::StatusCode::kNotFound, "NODE_NOT_FOUND",
                   absl::StrCat("node ", name,
                                " has never connected to this controller; `hotplugctl get nodes` "
                                "lists those that have"),
                   {{"node", std::string(name)}});
}

absl::Status NotConnected(const std::string& node) {
  return MakeError(absl::StatusCode::kUnavailable, "NODE_NOT_CONNECTED",
                   absl::StrCat("node ", node,
                                " is not connected, so nothing was asked of it; look at its agent "
                                "there (systemctl status hotplugger-agent), and try again once "
                                "`hotplugctl get nodes` shows it connected"),
                   {{"node", node}});
}

absl::Status NameTaken(const v1::Hello& hello, const std::string& holder_boot_id) {
  return MakeError(
      absl::StatusCode::kAlreadyExists, "NODE_NAME_TAKEN",
      absl::StrCat("node name ", hello.node(), " is held by another live host (boot id ",
                   holder_boot_id, ", yours is ", hello.boot_id(),
                   "); give each host a name of its own. If that host is gone, its stream ends "
                   "within about a minute and this agent gets in by itself"),
      {{"node", hello.node()}, {"holder_boot_id", holder_boot_id}, {"boot_id", hello.boot_id()}});
}

absl::Status NameTakenByAgent(const v1::Hello& hello) {
  return WithRetryDelay(
      MakeError(
          absl::StatusCode::kAlreadyExists, "NODE_NAME_TAKEN",
          absl::StrCat("node name ", hello.node(),
                       " is held by another agent of the same boot (boot id ", hello.boot_id(),
                       "), which has come after this one; a host has one agent: stop one of "
                       "the two (pgrep hotplugger-agent), or give it another --node"),
          {{"node", hello.node()}, {"boot_id", hello.boot_id()}}),
      kFullRetryDelay);
}

absl::Status TooManyNodes(const v1::Hello& hello, size_t max_nodes) {
  return WithRetryDelay(
      MakeError(absl::StatusCode::kResourceExhausted, "TOO_MANY_NODES",
                absl::StrCat("node ", hello.node(), " can't join: ", max_nodes,
                             " nodes are known, the controller's --max-nodes; raise it, or "
                             "delete nodes that are gone"),
                {{"node", hello.node()}, {"max_nodes", absl::StrCat(max_nodes)}}),
      kFullRetryDelay);
}

absl::Status ShuttingDown() {
  return MakeError(absl::StatusCode::kUnavailable, "SHUTTING_DOWN",
                   "the controller is shutting down; try again later");
}

bool IsGivenUp(v1::ApplyState state) {
  return state == v1::APPLY_STATE_REVERTED || state == v1::APPLY_STATE_QUARANTINED;
}

// Only what was carried out, wholly or in part, can have cut a node off. One that carries it out
// once more can be reached in the meantime, and not wait until that ends.
bool AwaitsConfirmation(const v1::NodeReport& report) {
  return report.awaits_confirmation() &&
         (report.state() == v1::APPLY_STATE_APPLIED || report.state() == v1::APPLY_STATE_FAILED ||
          report.state() == v1::APPLY_STATE_APPLYING);
}

}  // namespace

void NodeRegistry::TellFeed(const std::string& name) {
  if (feed_ != nullptr) feed_->Put({v1::WatchFleetRequest::KIND_NODES, name});
  const auto it = nodes_.find(name);
  if (events_ == nullptr || it == nodes_.end()) return;
  NodeSnapshot now = ToSnapshot(it->second);
  for (const NewEvent& event : FindNodeEvents(it->second.told, now)) events_->Add(event);
  it->second.told = std::move(now);
}

void NodeRegistry::Restore(const std::string& name, Labels labels) {
  MutexLock lock(&mutex_);
  auto identity = std::make_shared<NodeIdentity>();
  identity->labels = std::move(labels);
  Node& node = nodes_[name];
  node.facts.name = name;
  node.facts.identity = std::move(identity);
  TellFeed(name);
}

absl::Status NodeRegistry::Admit(std::shared_ptr<NodeLink> link) {
  MutexLock lock(&mutex_);
  if (closed_) return ShuttingDown();
  if (waiting_.size() >= kMaxWaiting) {
    return WithRetryDelay(
        MakeError(absl::StatusCode::kResourceExhausted, "TOO_MANY_STREAMS",
                  absl::StrCat(waiting_.size(),
                               " streams have connected without saying Hello yet, the limit; try "
                               "again later")),
        kFullRetryDelay);
  }
  const NodeLink* const key = link.get();
  waiting_[key] = {std::move(link), 0};
  return absl::OkStatus();
}

void NodeRegistry::Forget(const NodeLink* link) {
  MutexLock lock(&mutex_);
  waiting_.erase(link);
}

absl::StatusOr<NodeRegistry::Attached> NodeRegistry::Attach(const v1::Hello& hello,
                                                            std::shared_ptr<NodeLink> link) {
  MutexLock lock(&mutex_);
  if (closed_) return ShuttingDown();
  waiting_.erase(link.get());
  const auto known = nodes_.find(hello.node());
  if (known == nodes_.end() && nodes_.size() >= max_nodes_) {
    absl::Status full = TooManyNodes(hello, max_nodes_);
    // There is no node that could have a condition.
    if (events_ != nullptr) {
      events_->Add(
          {EventType::kNodeTurnedAway, NodeResource(hello.node()), std::string(full.message())});
    }
    return full;
  }
  if (known != nodes_.end() && known->second.facts.connected &&
      known->second.facts.identity->boot_id != hello.boot_id()) {
    const absl::Status taken = NameTaken(hello, known->second.facts.identity->boot_id);
    NoteClaimLocked(&known->second, taken);
    return taken;
  }
  // An agent that was started anew displaces the one before, which doesn't come back. This one has.
  if (known != nodes_.end() && known->second.facts.connected && !hello.instance_id().empty() &&
      known->second.displaced_instance_id == hello.instance_id()) {
    const absl::Status taken = NameTakenByAgent(hello);
    NoteClaimLocked(&known->second, taken);
    return taken;
  }
  Node& node = nodes_[hello.node()];
  Attached attached{{hello.node(), ++last_stream_id_}, std::move(node.link)};
  if (node.instance_id != hello.instance_id()) {
    node.displaced_instance_id = node.facts.connected ? node.instance_id : "";
    node.instance_id = hello.instance_id();
  }
  ClearLocked(&node, kTurnedAway);
  auto identity = std::make_shared<NodeIdentity>();
  identity->labels = {hello.labels().begin(), hello.labels().end()};
  identity->boot_id = hello.boot_id();
  identity->agent_version = hello.agent_version();
  // Another boot or version of the agent may well take what the last one refused.
  if (node.facts.identity != nullptr &&
      (node.facts.identity->boot_id != identity->boot_id ||
       node.facts.identity->agent_version != identity->agent_version)) {
    node.nacked_digest.clear();
    node.rejection.reset();
  }
  node.facts.name = hello.node();
  node.facts.identity = std::move(identity);
  node.facts.connected = true;
  node.facts.last_contact = clock_->Now();
  node.facts.applied_digest = hello.applied_digest();
  node.link = std::move(link);
  node.stream_id = attached.key.id;
  node.welcomed = false;
  node.ready = false;
  node.unanswered_pings = 0;
  node.target_digest = hello.applied_digest();
  node.pushed = false;
  TellFeed(hello.node());
  return attached;
}

void NodeRegistry::NoteClaimLocked(Node* node, const absl::Status& taken) {
  node->name_claimed = clock_->Now();
  if (RaiseLocked(node, kNameInUse, taken.message())) TellFeed(node->facts.name);
}

bool NodeRegistry::NoteTurnedAway(const v1::Hello& hello, const absl::Status& why) {
  MutexLock lock(&mutex_);
  const auto known = nodes_.find(hello.node());
  if (known == nodes_.end() && nodes_.size() >= max_nodes_) return true;
  Node& node = nodes_[hello.node()];
  if (node.facts.identity == nullptr) {
    auto identity = std::make_shared<NodeIdentity>();
    identity->labels = {hello.labels().begin(), hello.labels().end()};
    node.facts.identity = std::move(identity);
    node.facts.name = hello.node();
  }
  if (!RaiseLocked(&node, kTurnedAway, why.message())) return false;
  TellFeed(hello.node());
  return true;
}

bool NodeRegistry::RaiseLocked(Node* node, absl::string_view type, absl::string_view message) {
  std::vector<v1::NodeCondition>& conditions = node->facts.conditions;
  const auto at = std::lower_bound(conditions.begin(), conditions.end(), type,
                                   [](const v1::NodeCondition& condition, absl::string_view name) {
                                     return condition.type() < name;
                                   });
  if (at != conditions.end() && at->type() == type) {
    if (at->message() == message) return false;
    at->set_message(std::string(message));
    return true;
  }
  v1::NodeCondition condition;
  condition.set_type(std::string(type));
  condition.set_message(std::string(message));
  SetTimestamp(clock_->Now(), condition.mutable_since_time());
  conditions.insert(at, std::move(condition));
  return true;
}

void NodeRegistry::ClearLocked(Node* node, absl::string_view type) {
  std::vector<v1::NodeCondition>& conditions = node->facts.conditions;
  const auto gone = std::remove_if(
      conditions.begin(), conditions.end(),
      [type](const v1::NodeCondition& condition) { return condition.type() == type; });
  if (gone == conditions.end()) return;
  conditions.erase(gone, conditions.end());
  TellFeed(node->facts.name);
}

void NodeRegistry::MarkWelcomed(const StreamKey& key) {
  MutexLock lock(&mutex_);
  if (Node* node = FindLocked(key)) node->welcomed = true;
}

void NodeRegistry::MarkReady(const StreamKey& key) {
  MutexLock lock(&mutex_);
  if (Node* node = FindLocked(key)) node->ready = true;
}

void NodeRegistry::Disconnect(Node* node) {
  node->facts.connected = false;
  node->link.reset();
  node->welcomed = false;
  node->ready = false;
  // Whoever asked for the name gets it now.
  ClearLocked(node, kNameInUse);
  TellFeed(node->facts.name);
}

void NodeRegistry::Detach(const StreamKey& key) {
  MutexLock lock(&mutex_);
  const auto it = nodes_.find(key.node);
  if (it == nodes_.end() || it->second.stream_id != key.id) return;
  Disconnect(&it->second);
}

absl::StatusOr<NodeRegistry::Stream> NodeRegistry::FindStream(const std::string& node) {
  MutexLock lock(&mutex_);
  const auto it = nodes_.find(node);
  if (it == nodes_.end()) return NodeNotFound(node);
  if (it->second.link == nullptr) return NotConnected(node);
  return Stream{{node, it->second.stream_id}, it->second.welcomed ? it->second.link : nullptr};
}

NodeRegistry::Node* NodeRegistry::FindLocked(const StreamKey& key) {
  const auto it = nodes_.find(key.node);
  if (it == nodes_.end() || !it->second.facts.connected || it->second.stream_id != key.id) {
    return nullptr;
  }
  it->second.facts.last_contact = clock_->Now();
  it->second.unanswered_pings = 0;
  return &it->second;
}

void NodeRegistry::RecordContact(const StreamKey& key) {
  MutexLock lock(&mutex_);
  FindLocked(key);
}

void NodeRegistry::RecordInventory(const StreamKey& key, const v1::Inventory& inventory) {
  auto recorded = std::make_shared<const v1::Inventory>(inventory);
  MutexLock lock(&mutex_);
  Node* const node = FindLocked(key);
  if (node == nullptr) return;
  node->facts.inventory = std::move(recorded);
  TellFeed(key.node);
}

NodeRegistry::RecordedReport NodeRegistry::RecordReport(const StreamKey& key,
                                                        const v1::NodeReport& report) {
  auto recorded = std::make_shared<const v1::NodeReport>(report);
  MutexLock lock(&mutex_);
  Node* node = FindLocked(key);
  if (node == nullptr) return {};
  RecordedReport result = RecordReportLocked(node, std::move(recorded));
  TellFeed(key.node);
  return result;
}

NodeRegistry::RecordedReport NodeRegistry::RecordReportLocked(
    Node* node, std::shared_ptr<const v1::NodeReport> recorded) {
  if (IsGivenUp(recorded->state())) return RecordRejectionLocked(node, std::move(recorded));
  const v1::NodeReport& report = *recorded;
  node->facts.report = recorded;
  RecordedReport result;
  if (AwaitsConfirmation(report)) result.confirm = node->link;
  // Once a node works towards another spec it is no longer at the last one, however that ends:
  // where a failed spec is taken back the way back must be reported too. A refused one was never
  // begun.
  const bool same = report.digest() == node->facts.applied_digest;
  if (report.state() == v1::APPLY_STATE_APPLIED) {
    node->facts.applied_digest = report.digest();
  } else if (same ? report.state() == v1::APPLY_STATE_FAILED
                  : report.state() != v1::APPLY_STATE_REFUSED) {
    node->facts.applied_digest.clear();
  }
  if (report.state() == v1::APPLY_STATE_REFUSED && report.digest() == node->target_digest) {
    node->nacked_digest = report.digest();
    node->nack_errors = {report.message()};
  }
  // Until something is pushed on this stream, the node knows best what it works towards. Later its
  // reports may be older than the last push.
  if (node->pushed || report.digest() == node->target_digest ||
      report.state() == v1::APPLY_STATE_REFUSED) {
    return result;
  }
  node->target_digest = report.digest();
  result.other_target = true;
  return result;
}

// Beside what it says of the spec that is in force again, which stays the node's report.
NodeRegistry::RecordedReport NodeRegistry::RecordRejectionLocked(
    Node* node, std::shared_ptr<const v1::NodeReport> report) {
  const std::string& digest = report->digest();
  const bool known = GaveUp(*node, digest) && node->rejection->state() == report->state();
  if (node->facts.applied_digest == digest) node->facts.applied_digest.clear();
  // A refusal of this one was because of that; one of another spec is so still.
  if (node->nacked_digest == digest) node->nacked_digest.clear();
  node->rejection = std::move(report);
  return {.given_up = !known};
}

bool NodeRegistry::GaveUp(const Node& node, absl::string_view digest) {
  return node.rejection != nullptr && node.rejection->digest() == digest;
}

bool NodeRegistry::RecordAck(const StreamKey& key, const v1::SpecAck& ack) {
  MutexLock lock(&mutex_);
  Node* node = FindLocked(key);
  if (node == nullptr || !node->pushed || ack.digest() != node->target_digest) return false;
  const bool refused = RecordAckLocked(node, ack);
  TellFeed(key.node);
  return refused;
}

bool NodeRegistry::RecordAckLocked(Node* node, const v1::SpecAck& ack) {
  if (ack.errors().empty()) {
    // Once it has taken another spec, a node would try again one that it gave up.
    node->rejection.reset();
    if (node->nacked_digest == ack.digest()) node->nacked_digest.clear();
    return false;
  }
  // A spec that was given up is refused when it is pushed again, and still shown as given up.
  if (GaveUp(*node, ack.digest())) return true;
  node->nacked_digest = ack.digest();
  node->nack_errors = {ack.errors().begin(), ack.errors().end()};
  return true;
}

bool NodeRegistry::ForgetRejection(const StreamKey& key, const std::string& digest) {
  MutexLock lock(&mutex_);
  Node* node = FindLocked(key);
  if (node == nullptr || !GaveUp(*node, digest)) return false;
  node->rejection.reset();
  if (node->nacked_digest == digest) node->nacked_digest.clear();
  // As if it had never been sent.
  if (node->target_digest == digest) node->target_digest.clear();
  TellFeed(key.node);
  return true;
}

void NodeRegistry::SetDesired(const std::string& name, std::shared_ptr<const Resolution> desired) {
  MutexLock lock(&mutex_);
  const auto it = nodes_.find(name);
  if (it == nodes_.end()) return;
  const auto& before = it->second.facts.desired;
  const bool same = before != nullptr && before->digest == desired->digest;
  it->second.facts.desired = std::move(desired);
  if (!same) TellFeed(name);
}

std::vector<SpecPush> NodeRegistry::TakePushes() {
  std::vector<SpecPush> pushes;
  MutexLock lock(&mutex_);
  for (auto& [name, node] : nodes_) {
    if (!node.ready || node.facts.desired == nullptr) continue;
    const std::string& digest = node.facts.desired->digest;
    if (digest == node.target_digest || digest == node.nacked_digest) continue;
    if (GaveUp(node, digest)) continue;
    node.target_digest = digest;
    node.pushed = true;
    pushes.push_back(
        {name, node.link, node.facts.desired, absl::StrCat(node.stream_id, "-", ++last_push_)});
  }
  return pushes;
}

NodeRegistry::PingRound NodeRegistry::TakePingRound(uint64_t shard, uint64_t shards) {
  PingRound round;
  MutexLock lock(&mutex_);
  for (auto& [name, node] : nodes_) {
    if (!node.facts.connected || node.stream_id % shards != shard) continue;
    if (clock_->Now() - node.name_claimed > kNameInUseMemory) ClearLocked(&node, kNameInUse);
    if (node.unanswered_pings >= kMissedPings) {
      round.dead.push_back(node.link);
      Disconnect(&node);
    } else {
      ++node.unanswered_pings;
      round.ping.push_back(node.link);
    }
  }
  if (shard != 0) return round;
  for (auto it = waiting_.begin(); it != waiting_.end();) {
    if (++it->second.rounds < 2) {
      ++it;
    } else {
      round.dead.push_back(std::move(it->second.link));
      it = waiting_.erase(it);
    }
  }
  return round;
}

NodeSnapshot NodeRegistry::ToSnapshot(const Node& node) {
  NodeSnapshot snapshot = node.facts;
  if (node.facts.desired != nullptr && GaveUp(node, node.facts.desired->digest)) {
    snapshot.report = node.rejection;
    return snapshot;
  }
  if (!node.nacked_digest.empty() && node.facts.desired != nullptr &&
      node.facts.desired->digest == node.nacked_digest &&
      !(node.facts.report != nullptr && node.facts.report->state() == v1::APPLY_STATE_REFUSED &&
        node.facts.report->digest() == node.nacked_digest)) {
    auto refusal = std::make_shared<v1::NodeReport>();
    refusal->set_digest(node.nacked_digest);
    refusal->set_state(v1::APPLY_STATE_REFUSED);
    refusal->set_message(absl::StrJoin(node.nack_errors, "\n").substr(0, kMaxNackMessage));
    if (node.facts.report != nullptr) refusal->set_drift_count(node.facts.report->drift_count());
    snapshot.report = std::move(refusal);
  }
  return snapshot;
}

std::vector<NodeSnapshot> NodeRegistry::Snapshot() {
  std::vector<NodeSnapshot> snapshots;
  MutexLock lock(&mutex_);
  snapshots.reserve(nodes_.size());
  for (const auto& [name, node] : nodes_) snapshots.push_back(ToSnapshot(node));
  return snapshots;
}

absl::StatusOr<NodeSnapshot> NodeRegistry::Get(absl::string_view name) {
  MutexLock lock(&mutex_);
  const auto it = nodes_.find(std::string(name));
  if (it == nodes_.end()) return NodeNotFound(name);
  return ToSnapshot(it->second);
}

bool NodeRegistry::Contains(absl::string_view name) {
  MutexLock lock(&mutex_);
  return nodes_.count(std::string(name)) != 0;
}

absl::Status NodeRegistry::CheckRemovable(const std::string& name) {
  MutexLock lock(&mutex_);
  return CheckRemovableLocked(name);
}

absl::Status NodeRegistry::CheckRemovableLocked(const std::string& name) const {
  const auto it = nodes_.find(name);
  if (it == nodes_.end()) return NodeNotFound(name);
  if (it->second.facts.connected) {
    return MakeError(absl::StatusCode::kFailedPrecondition, "NODE_CONNECTED",
                     absl::StrCat("node ", name,
                                  " is connected and would be back at once; stop its agent first"),
                     {{"node", name}});
  }
  return absl::OkStatus();
}

absl::Status NodeRegistry::Remove(const std::string& name) {
  MutexLock lock(&mutex_);
  RETURN_IF_ERROR(CheckRemovableLocked(name));
  nodes_.erase(name);
  if (feed_ != nullptr) feed_->Erase({v1::WatchFleetRequest::KIND_NODES, name});
  return absl::OkStatus();
}

void NodeRegistry::CloseAll(const absl::Status& status) {
  std::vector<std::shared_ptr<NodeLink>> links;
  {
    MutexLock lock(&mutex_);
    closed_ = true;
    for (auto& [name, node] : nodes_) {
      if (node.link == nullptr) continue;
      links.push_back(std::move(node.link));
      Disconnect(&node);
    }
    for (auto& [key, waiting] : waiting_) links.push_back(std::move(waiting.link));
    waiting_.clear();
  }
  for (const std::shared_ptr<NodeLink>& link : links) link->Close(status);
}

}  // namespace hotplugger::server
