// What /metrics counts of a node.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "hotplugger/v1/driver.pb.h"
#include "server/fleet/node_snapshot.h"

namespace hotplugger::server {

// Of something that is online or not: CPUs, bytes.
struct Capacity {
  double online = 0;
  double offline = 0;

  Capacity& operator+=(const Capacity& other) {
    online += other.online;
    offline += other.offline;
    return *this;
  }
};

struct NodeFacts {
  // Of a node's drivers, those that count: the first by name.
  static constexpr size_t kMaxDrivers = 32;

  // Nothing where the node hasn't told, or its kernel has none.
  std::optional<Capacity> cpus;
  std::optional<Capacity> memory_bytes;
  std::optional<bool> smt_active;
  // By name, each once; names are fit for labels.
  std::vector<std::pair<std::string, v1::DriverState>> drivers;
  // By type, each once; fit for labels.
  std::vector<std::string> conditions;
  int64_t drift_items = 0;
  int64_t failed_items = 0;
};

NodeFacts FactsOf(const NodeSnapshot& node);

// Those of a node of which nothing else is known.
std::vector<std::string> ConditionTypesOf(const NodeSnapshot& node);

}  // namespace hotplugger::server
