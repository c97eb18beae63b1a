// The agent's own metrics: what the host is like, and what the agent has counted (docs/metrics.md).
#pragma once

#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "agent/reconcile/observed_link.h"
#include "hotplugger/v1/metrics.pb.h"

namespace hotplugger::agent {

// Safe for concurrent use as far as its parts are.
class AgentCollector final : public prometheus::Collectable {
 public:
  // Of the CPUs by themselves so many are told.
  static constexpr size_t kMaxCpus = 1024;

  struct Parts {
    std::string version;
    std::string kernel_release;
    // The host as it was told last.
    const ObservedLink& news;
    // Whether the agent has a stream to a controller that it obeys.
    std::function<bool()> connected;
    // What is counted, queues included.
    std::function<v1::MetricsSnapshot()> counted;
  };

  explicit AgentCollector(Parts parts) : parts_(std::move(parts)) {}

  // Families that have nothing to tell are left out.
  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  const Parts parts_;
};

}  // namespace hotplugger::agent
