// Series of each node.
#pragma once

#include <prometheus/metric_family.h>

#include <array>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "common/metrics/family_builder.h"
#include "server/fleet/node_snapshot.h"
#include "server/metrics/node_facts.h"

namespace hotplugger::server {

// Of one scrape. Not safe for concurrent use.
class NodeSeries {
 public:
  static constexpr size_t kFamilies = 12;
  // How many series each family has.
  using Sizes = std::array<size_t, kFamilies>;

  // `domains`: keys of labels that hotplugger_node_info has. `expected`: as of the last scrape, so
  // that nothing grows bit by bit.
  NodeSeries(const std::vector<std::string>& domains, const Sizes& expected);

  // Nodes differ in their names.
  void Add(const NodeSnapshot& node, const NodeFacts& facts);

  Sizes sizes() const;
  void TakeFamilies(std::vector<prometheus::MetricFamily>* families);

 private:
  void AddInfo(const NodeSnapshot& node);
  void AddCapacity(const NodeSnapshot& node, const NodeFacts& facts);
  void AddReport(const NodeSnapshot& node, const NodeFacts& facts);

  // Names of labels, and the keys that they stand for.
  const std::vector<std::pair<std::string, std::string>> info_labels_;
  // In the order of docs/metrics.md.
  std::vector<FamilyBuilder> families_;
};

}  // namespace hotplugger::server
