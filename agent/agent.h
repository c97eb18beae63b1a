// The agent put together: owns every part, and alone knows the order of starting and stopping.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "agent/devices/inventory/uevent_monitor.h"
#include "agent/devices/operations/kernel_writer.h"
#include "agent/link/controller_connector.h"
#include "agent/options.h"
#include "agent/reconcile/reconciler.h"
#include "common/ticker.h"

namespace hotplugger::agent {

// Works from Create until Stop or destruction.
class Agent {
 public:
  // What tests put in the place of the real thing.
  struct Replacements {
    // Instead of a hotplugger-writer process.
    std::unique_ptr<KernelWriter> writer;
    // Whether to listen to the kernel's uevents; HostChanged stands in for them.
    bool monitor_uevents = true;
    Reconciler::Options reconciler;
    Backoff::Options reconnect;
    // Instead of the boot id in /proc.
    std::string boot_id;
    // What has ports tried again that can't be had.
    std::function<std::unique_ptr<Ticker>()> make_ticker = [] {
      return std::make_unique<ThreadTicker>();
    };
  };

  // Starts everything. Errors name what could not be started, and why.
  static absl::StatusOr<std::unique_ptr<Agent>> Create(const AgentOptions& options);
  static absl::StatusOr<std::unique_ptr<Agent>> Create(const AgentOptions& options,
                                                       Replacements replacements);

  virtual ~Agent() = default;

  // Leaves devices and drivers as they are. May be called again.
  virtual void Stop() = 0;

  // As if a uevent had come.
  virtual void HostChanged() = 0;

  // Where /metrics and the health service are served; what port 0 became. 0: they are not.
  virtual int metrics_port() = 0;
  virtual int health_port() = 0;
};

}  // namespace hotplugger::agent
