// What is known of a node.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "hotplugger/v1/node.pb.h"
#include "server/policy/resolver.h"

namespace hotplugger::server {

// What a node said in its Hello.
struct NodeIdentity {
  Labels labels;
  std::string boot_id;
  std::string agent_version;
  // "HOST:PORT" of its /metrics; empty: it serves none.
  std::string metrics_address;
};

// A node at one instant. What is behind the pointers never changes.
struct NodeSnapshot {
  std::string name;
  std::shared_ptr<const NodeIdentity> identity;
  bool connected = false;
  // InfinitePast: no message since the controller started.
  absl::Time last_contact = absl::InfinitePast();
  std::string applied_digest;
  // Null until resolved.
  std::shared_ptr<const Resolution> desired;
  // Null until the node said so.
  std::shared_ptr<const v1::Inventory> inventory;
  // A refusal of the desired spec stands here as a report of state REFUSED, and so does that it was
  // given up (REVERTED, QUARANTINED), whatever the node says of the spec that it has instead.
  std::shared_ptr<const v1::NodeReport> report;
  // What the controller has found to be the matter with the node (TURNED_AWAY, NAME_IN_USE); what
  // the node says itself is in the inventory. By type.
  std::vector<v1::NodeCondition> conditions;
  // It has only ever been turned away: none of this fleet as far as anybody knows, and so no
  // policy's.
  bool stranger = false;

  bool in_sync() const {
    return connected && desired != nullptr && desired->digest == applied_digest;
  }
};

}  // namespace hotplugger::server
