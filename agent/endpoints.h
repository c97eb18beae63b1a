// The ports that the agent has for others to look at it: /metrics, and gRPC's health service for
// probes.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "agent/listener.h"
#include "agent/metrics/agent_collector.h"
#include "agent/options.h"
#include "common/clock.h"
#include "common/metrics/metrics_server.h"
#include "common/metrics/process_collector.h"
#include "common/mutex.h"
#include "common/ticker.h"
#include "common/transport/health_server.h"

namespace hotplugger::agent {

// A port that can't be had keeps the agent from nothing: that is a condition of the host, and it is
// tried again. Start and Stop must not cross; all else is safe for concurrent use.
class Endpoints {
 public:
  struct Parts {
    const AgentOptions& options;
    const AgentCollector& collector;
    // Steady.
    Clock& clock;
    std::function<std::unique_ptr<Ticker>()> make_ticker;
    // The kind of condition (conditions.h), and what it means. Called by Start.
    std::function<void(const char* condition, const std::string& message)> failed;
    // Later, on a thread of this one's: it is so no more.
    std::function<void(const char* condition)> mended;
  };

  // All parts outlive this.
  explicit Endpoints(Parts parts) : parts_(std::move(parts)) {}
  ~Endpoints() { Stop(); }

  // Opens what the options name.
  void Start();
  // Tries no more to; what is open stays so.
  void Stop();

  // What the health service says: not serving until told otherwise.
  void SetServing(bool serving);

  // Where others are told that /metrics is, though it be down for now; empty: nowhere.
  std::string MetricsAddress() const;

  // What port 0 became; 0: it is not served.
  int metrics_port() const;
  int health_port() const;

 private:
  std::unique_ptr<Listener> Listen(std::function<absl::Status()> listen, const char* condition,
                                   const char* what);
  absl::Status ServeMetrics();
  absl::Status ServeHealth();

  const Parts parts_;
  const ProcessCollector process_collector_;
  // A leaf. From the second try on the servers come from the listeners' threads.
  mutable Mutex mutex_;
  bool serving_ ABSL_GUARDED_BY(mutex_) = false;
  std::unique_ptr<MetricsServer> metrics_server_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<HealthServer> health_server_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<Listener> metrics_listener_;
  std::unique_ptr<Listener> health_listener_;
};

}  // namespace hotplugger::agent
