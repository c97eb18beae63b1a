// What of the fleet /metrics shows.
#pragma once

#include <string>
#include <vector>

#include "server/metrics/node_series_limit.h"

namespace hotplugger::server {

struct MetricsSettings {
  NodeSeriesLimit node_series = NodeSeriesLimit::First(2'000);
  // Keys of node labels whose values get sums of their own. REQUIRES: no key twice.
  std::vector<std::string> domains = {"pool", "zone"};
};

}  // namespace hotplugger::server
