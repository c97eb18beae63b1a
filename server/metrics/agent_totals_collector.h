// What all agents count, summed up.
#pragma once

#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>

#include <vector>

#include "server/fleet/agent_totals.h"

namespace hotplugger::server {

// Safe for concurrent use.
class AgentTotalsCollector final : public prometheus::Collectable {
 public:
  explicit AgentTotalsCollector(const AgentTotals* totals) : totals_(totals) {}

  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  const AgentTotals* const totals_;
};

}  // namespace hotplugger::server
