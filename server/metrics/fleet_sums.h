// The fleet in sums: all nodes, and those of each value of the label domains.
#pragma once

#include <prometheus/metric_family.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "server/fleet/node_snapshot.h"
#include "server/metrics/bounded_sums.h"
#include "server/metrics/known_conditions.h"
#include "server/metrics/node_facts.h"

namespace hotplugger::server {

// Nodes by one of `N` states.
template <size_t N>
struct NodesByState {
  std::array<int64_t, N> nodes = {};

  NodesByState& operator+=(const NodesByState& other) {
    for (size_t i = 0; i < N; ++i) nodes[i] += other.nodes[i];
    return *this;
  }
};

// Of one scrape. Not safe for concurrent use.
class FleetSums {
 public:
  static constexpr size_t kMaxDomainValues = 100;
  static constexpr size_t kMaxDrivers = 100;
  static constexpr size_t kMaxVersions = 20;
  static constexpr size_t kMaxConditions = 100;

  // `domains`: keys of labels, none twice.
  explicit FleetSums(const std::vector<std::string>& domains);

  void Add(const NodeSnapshot& node, const NodeFacts& facts);
  // Of a node that is none of the fleet its conditions alone count.
  void AddStranger(const NodeSnapshot& node);

  void AppendFamilies(std::vector<prometheus::MetricFamily>* families) const;

 private:
  struct Group {
    NodesByState<3> nodes;
    Capacity cpus;
    Capacity memory_bytes;

    Group& operator+=(const Group& other);
  };
  struct Domain {
    std::string key;
    BoundedSums<Group> groups{kMaxDomainValues};
  };

  void AppendStates(std::vector<prometheus::MetricFamily>* families) const;
  void AppendCapacity(std::vector<prometheus::MetricFamily>* families) const;
  void AppendKinds(std::vector<prometheus::MetricFamily>* families) const;
  void AppendDomains(std::vector<prometheus::MetricFamily>* families) const;

  Group all_;
  NodesByState<7> apply_states_;
  int64_t drift_items_ = 0;
  BoundedSums<int64_t> conditions_{kMaxConditions, kKnownConditions};
  BoundedSums<NodesByState<3>> drivers_{kMaxDrivers};
  BoundedSums<int64_t> versions_{kMaxVersions};
  std::vector<Domain> domains_;
};

}  // namespace hotplugger::server
