// What the controller keeps of policies, holds and nodes, in memory as in the store.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "common/clock.h"
#include "server/fleet/fleet_counters.h"
#include "server/fleet/node_registry.h"
#include "server/store/records.h"

namespace hotplugger::server {

// Changes are stored first and seen in memory only then, so that memory never says what the disk
// doesn't. Not safe for concurrent use: the engine's thread owns it. Changes block on the disk.
class FleetState {
 public:
  using Policies = std::map<std::string, Record<v1::Policy>>;
  // A node's holds by subject.
  using NodeHolds = std::map<std::string, Record<v1::Hold>>;

  FleetState(Records* records, NodeRegistry* registry, Clock* clock, FleetCounters* counters)
      : records_(records), registry_(registry), clock_(clock), counters_(counters) {}

  // Reads the store, puts its nodes into the registry and resolves them. Once, before all else.
  absl::Status Load();

  const Policies& policies() const { return policies_; }
  const std::map<std::string, NodeHolds>& holds() const { return holds_; }
  const NodeHolds& HoldsOf(const std::string& node) const;

  absl::Status PutPolicy(const v1::Policy& policy);
  absl::Status ErasePolicy(const std::string& name);
  // Stores `hold` and erases `replaced`, holds of the same node, in one transaction.
  absl::Status PutHold(const v1::Hold& hold, const std::vector<v1::Hold>& replaced);
  absl::Status EraseHold(const v1::Hold& hold);
  // Stores the labels of those nodes that are new or have other labels than the store has.
  absl::Status PutNodes(const std::vector<NodeSnapshot>& nodes);
  absl::Status EraseNode(const std::string& name);

  // What the node is to be; as if `candidate`, where given, were stored in its policy's place.
  std::shared_ptr<const Resolution> Resolve(const NodeSnapshot& node,
                                            const v1::Policy* candidate = nullptr) const;
  // The same as if `hold` were stored and `replaced`, holds of that node, erased.
  std::shared_ptr<const Resolution> ResolveWithHold(const NodeSnapshot& node, const v1::Hold& hold,
                                                    const std::vector<v1::Hold>& replaced) const;
  // Resolves and tells the registry.
  void UpdateDesired(const NodeSnapshot& node);

  NodeRegistry* registry() const { return registry_; }
  Clock* clock() const { return clock_; }

 private:
  struct StoredNode {
    Labels labels;
    int64_t mod_revision = 0;
  };

  void Count();

  Records* const records_;
  NodeRegistry* const registry_;
  Clock* const clock_;
  FleetCounters* const counters_;
  Policies policies_;
  std::map<std::string, NodeHolds> holds_;
  const NodeHolds no_holds_;
  std::map<std::string, StoredNode> nodes_;
};

}  // namespace hotplugger::server
