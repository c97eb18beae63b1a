// The kernel's announcements that a device went on- or offline, came or left.
#pragma once

#include <functional>
#include <memory>

#include "absl/status/statusor.h"
#include "agent/counters/agent_counters.h"

namespace hotplugger::agent {

// Calls back, on its own thread, after one or more kernel uevents of CPUs, memory, containers and
// Xen's CPUs, and when events were lost. The event's content is a hint only: whoever is called
// reads the state again (rule 2 of the design). Subscribe before the first read.
class UeventMonitor {
 public:
  // Starts the thread. `changed` must be quick and may be called until the destructor returns.
  // Events are counted in `counters`, which outlive this.
  static absl::StatusOr<std::unique_ptr<UeventMonitor>> Create(AgentCounters& counters,
                                                               std::function<void()> changed);

  virtual ~UeventMonitor() = default;
};

}  // namespace hotplugger::agent
