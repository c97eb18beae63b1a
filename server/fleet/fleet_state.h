// What the controller keeps of policies, holds and nodes, in memory as in the store.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/clock.h"
#include "server/fleet/change.h"
#include "server/fleet/change_feed.h"
#include "server/fleet/event_log.h"
#include "server/fleet/fleet_counters.h"
#include "server/fleet/node_registry.h"
#include "server/store/records.h"

namespace hotplugger::server {

// So many revisions of a policy are kept.
inline constexpr size_t kMaxRevisions = 20;

// What would be otherwise.
struct WhatIf {
  // This policy were stored, in the place of one of its name.
  const v1::Policy* put_policy = nullptr;
  // The policy of this name weren't.
  const std::string* erased_policy = nullptr;
  // This hold of the node were stored, in the place of one of its subject.
  const v1::Hold* put_hold = nullptr;
  // The node's holds of these subjects weren't.
  std::set<std::string> erased_holds = {};
};

// Changes are stored first and seen in memory only then, so that memory never says what the disk
// doesn't. Not safe for concurrent use: the engine's thread owns it. Changes block on the disk.
class FleetState {
 public:
  using Policies = std::map<std::string, Record<v1::Policy>>;
  // A node's holds by subject.
  using NodeHolds = std::map<std::string, Record<v1::Hold>>;

  // `feed` hears of policies and holds that change, `events` of what Tell is given; null: nobody
  // does.
  FleetState(Records* records, NodeRegistry* registry, Clock* clock, FleetCounters* counters,
             ChangeFeed* feed = nullptr, EventLog* events = nullptr)
      : records_(records),
        registry_(registry),
        clock_(clock),
        counters_(counters),
        feed_(feed),
        events_(events) {}

  // Reads the store, puts its nodes into the registry and resolves them. Once, before all else.
  absl::Status Load();

  // Of the store, when it was last changed here: what is decided now is decided by that.
  int64_t revision() const { return revision_; }

  const Policies& policies() const { return policies_; }
  const std::map<std::string, NodeHolds>& holds() const { return holds_; }
  const NodeHolds& HoldsOf(const std::string& node) const;

  // The kept revisions of a policy by number, the current one among them.
  using Revisions = std::map<int64_t, v1::Policy>;
  const Revisions& RevisionsOf(const std::string& policy) const;
  // When the next hold lapses; InfiniteFuture: none does.
  absl::Time NextExpiry() const;

  // What is kept of `change` is stored with these, in one transaction.
  absl::Status PutPolicy(const v1::Policy& policy, Change* change);
  absl::Status ErasePolicy(const std::string& name, Change* change);
  // Stores `hold` and erases `replaced`, holds of the same node.
  absl::Status PutHold(const v1::Hold& hold, const std::vector<v1::Hold>& replaced, Change* change);
  absl::Status EraseHold(const v1::Hold& hold, Change* change);
  absl::Status EraseNode(const std::string& name, Change* change);
  // Stores those nodes that are new or have other labels, or another address, than in the store.
  absl::Status PutNodes(const std::vector<NodeSnapshot>& nodes);

  // What the node is to be, as things are and as they would be.
  std::shared_ptr<const Resolution> Resolve(const NodeSnapshot& node) const;
  std::shared_ptr<const Resolution> Resolve(const NodeSnapshot& node, const WhatIf& what_if) const;
  // Resolves and tells the registry.
  void UpdateDesired(const NodeSnapshot& node);

  // Something has happened.
  void Tell(const NewEvent& event) const {
    if (events_ != nullptr) events_->Add(event);
  }

  NodeRegistry* registry() const { return registry_; }
  Clock* clock() const { return clock_; }

 private:
  struct StoredNode {
    Labels labels;
    std::string metrics_address;
    int64_t mod_revision = 0;
  };

  // Commits `batch` with what is kept of `change`, if any.
  absl::StatusOr<int64_t> Commit(RecordBatch* batch, Change* change);
  void Count();
  void TellFeed(const v1::Policy& policy);
  void TellFeed(const v1::Hold& hold);
  void TellFeedGone(ChangeFeed::Kind kind, const std::string& name);

  Records* const records_;
  int64_t revision_ = 0;
  NodeRegistry* const registry_;
  Clock* const clock_;
  FleetCounters* const counters_;
  ChangeFeed* const feed_;
  EventLog* const events_;
  Policies policies_;
  std::map<std::string, Revisions> revisions_;
  const Revisions no_revisions_;
  std::map<std::string, NodeHolds> holds_;
  const NodeHolds no_holds_;
  std::map<std::string, StoredNode> nodes_;
};

}  // namespace hotplugger::server
