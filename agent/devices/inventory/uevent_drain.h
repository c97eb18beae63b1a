// Takes what waits on the kernel's socket of uevents.
#pragma once

#include <cerrno>

#include "absl/functional/function_ref.h"
#include "agent/counters/agent_counters.h"

namespace hotplugger::agent {

// Takes events by `receive` until it answers false, and counts them. `receive` leaves in errno why
// there was none; ENOBUFS: some were lost. Whether there was news, lost or not.
inline bool DrainUevents(absl::FunctionRef<bool()> receive, AgentCounters& counters) {
  int64_t received = 0;
  for (;;) {
    errno = 0;
    if (!receive()) break;
    ++received;
  }
  const bool lost = errno == ENOBUFS;
  if (received > 0) counters.CountUevents(received);
  if (lost) counters.CountUeventOverflow();
  return received > 0 || lost;
}

}  // namespace hotplugger::agent
