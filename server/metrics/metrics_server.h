// Serves /metrics over HTTP.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "server/fleet/fleet_counters.h"
#include "server/fleet/node_registry.h"

namespace hotplugger::server {

// Ends with its destructor.
class MetricsServer {
 public:
  virtual ~MetricsServer() = default;
  // Where it listens; what port 0 became.
  virtual int port() const = 0;
};

// What is shown. The pointers must outlive the server.
struct MetricsParts {
  NodeRegistry* registry = nullptr;
  const FleetCounters* counters = nullptr;
  uint64_t epoch = 0;
  std::string version;
};

// Serves on `address` ("HOST:PORT"). UNAVAILABLE (reason LISTEN_FAILED) where that can't be had.
absl::StatusOr<std::unique_ptr<MetricsServer>> StartMetricsServer(const std::string& address,
                                                                  const MetricsParts& parts);

}  // namespace hotplugger::server
