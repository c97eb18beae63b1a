// Serves /metrics, and other pages for Prometheus, over HTTP.
#pragma once

#include <prometheus/collectable.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/clock.h"

namespace hotplugger {

struct MetricsServerOptions {
  // What CheckMetricsListenAddress takes; port 0: any free one.
  std::string address;
  // For errors: which flag gives it.
  std::string flag = "--metrics-listen";
  // Each connection takes one until its request has come and its answer is gone.
  int threads = 64;
  // A request must have come, and each part of an answer be taken, within so long.
  absl::Duration patience = absl::Seconds(3);
  // And all of it within so long: Prometheus gives up after that unless it is told otherwise.
  absl::Duration longest_answer = absl::Seconds(10);
};

// What is shown. All outlives the server.
struct MetricsPages {
  // At /metrics, in order; no family twice.
  std::vector<const prometheus::Collectable*> collectables;
  // At other paths ("/sd"): what makes the page's JSON. Called by several threads, but few: where
  // slow ones still take it, others are refused (503).
  std::map<std::string, std::function<std::string()>> json;
};

// Ends with its destructor, which waits for answers under way.
class MetricsServer {
 public:
  virtual ~MetricsServer() = default;
  // Where it listens; what port 0 became.
  virtual int port() const = 0;
};

// UNAVAILABLE (reason LISTEN_FAILED) where the address can't be had. `clock` is steady and outlives
// the server.
absl::StatusOr<std::unique_ptr<MetricsServer>> StartMetricsServer(MetricsServerOptions options,
                                                                  MetricsPages pages, Clock& clock);

}  // namespace hotplugger
