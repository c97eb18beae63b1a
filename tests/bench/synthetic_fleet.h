// A fleet of many nodes in a real registry, for measuring.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "common/clock.h"
#include "server/fleet/node_registry.h"

namespace hotplugger::testing {

// Each node is connected and in sync, and has 15 series of its own: three labels, CPUs, memory,
// SMT, two drivers, a condition, a report.
class SyntheticFleet {
 public:
  static constexpr size_t kSeriesPerNode = 15;

  explicit SyntheticFleet(size_t nodes);

  server::NodeRegistry& registry() { return registry_; }
  size_t size() const { return keys_.size(); }

  // As if a node had told the same again.
  void Report(size_t node);

 private:
  SystemClock clock_;
  SteadyClock steady_clock_;
  server::NodeRegistry registry_;
  std::vector<server::StreamKey> keys_;
  v1::NodeReport report_;
};

}  // namespace hotplugger::testing
