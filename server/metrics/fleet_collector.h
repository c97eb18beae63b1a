// The fleet's metrics, taken from the registry at each scrape: a node that is gone leaves nothing.
#pragma once

#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>

#include <cstdint>
#include <string>
#include <vector>

#include "server/fleet/fleet_counters.h"
#include "server/fleet/node_registry.h"

namespace hotplugger::server {

// Safe for concurrent use.
class FleetCollector final : public prometheus::Collectable {
 public:
  FleetCollector(NodeRegistry* registry, const FleetCounters* counters, uint64_t epoch,
                 std::string version)
      : registry_(registry), counters_(counters), epoch_(epoch), version_(std::move(version)) {}

  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  NodeRegistry* const registry_;
  const FleetCounters* const counters_;
  const uint64_t epoch_;
  const std::string version_;
};

}  // namespace hotplugger::server
