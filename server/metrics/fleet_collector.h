// The fleet's metrics, taken from the registry at each scrape: a node that is gone leaves nothing.
#pragma once

#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>

#include <vector>

#include "common/mutex.h"
#include "server/fleet/node_registry.h"
#include "server/metrics/metrics_settings.h"
#include "server/metrics/node_series.h"

namespace hotplugger::server {

// Safe for concurrent use.
class FleetCollector final : public prometheus::Collectable {
 public:
  FleetCollector(NodeRegistry* registry, MetricsSettings settings);

  // Of a family that has no series none is there.
  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  NodeRegistry* const registry_;
  const MetricsSettings settings_;
  mutable Mutex mutex_;
  // Of the last scrape.
  mutable NodeSeries::Sizes sizes_ ABSL_GUARDED_BY(mutex_) = {};
};

}  // namespace hotplugger::server
