// The metrics that every program has by Prometheus's convention, process_..., from /proc/self.
#pragma once

#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>

#include <vector>

namespace hotplugger {

// Safe for concurrent use. What can't be read is left out.
class ProcessCollector final : public prometheus::Collectable {
 public:
  std::vector<prometheus::MetricFamily> Collect() const override;
};

}  // namespace hotplugger
