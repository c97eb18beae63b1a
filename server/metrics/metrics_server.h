// Serves the controller's /metrics and /sd.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "common/clock.h"
#include "common/metrics/metrics_server.h"
#include "server/api/call_counters.h"
#include "server/fleet/agent_totals.h"
#include "server/fleet/fleet_counters.h"
#include "server/fleet/node_registry.h"
#include "server/metrics/metrics_settings.h"
#include "server/store/store_timings.h"

namespace hotplugger::server {

// What is shown. None of the pointers is null; they outlive the server.
struct MetricsParts {
  NodeRegistry* registry = nullptr;
  const FleetCounters* counters = nullptr;
  const AgentTotals* totals = nullptr;
  const StoreTimings* store_timings = nullptr;
  // Of the store's files. Called by several threads; negative: nobody knows.
  std::function<int64_t()> store_size_bytes;
  const CallCounters* calls = nullptr;
  // A steady one.
  Clock* clock = nullptr;
  uint64_t epoch = 0;
  std::string version;
  std::string fleet_id;
  // Whether plaintext beyond loopback is allowed.
  bool insecure = false;
  MetricsSettings settings;
};

// Serves on `address` (see CheckMetricsListenAddress; port 0: any free one). UNAVAILABLE (reason
// LISTEN_FAILED) where that can't be had.
absl::StatusOr<std::unique_ptr<MetricsServer>> StartMetricsServer(const std::string& address,
                                                                  MetricsParts parts);

}  // namespace hotplugger::server
