// Metrics of policies, holds, and the specs that are made of them.
#pragma once

#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>

#include <vector>

#include "server/fleet/fleet_counters.h"

namespace hotplugger::server {

// Safe for concurrent use.
class SpecCollector final : public prometheus::Collectable {
 public:
  explicit SpecCollector(const FleetCounters* counters) : counters_(counters) {}

  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  const FleetCounters* const counters_;
};

}  // namespace hotplugger::server
