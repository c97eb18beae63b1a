// Threads of a core, and how many of them SMT allows.
#pragma once

#include "agent/devices/inventory/topology.h"
#include "hotplugger/v1/device.pb.h"

namespace hotplugger::agent {

// The CPU's place among the threads of its core, from 0.
int ThreadOf(const Topology& topology, int cpu);

// So many threads of each core may be online: 1 where SMT is off, a very large number where it is
// on or isn't there to be controlled.
int AllowedThreads(v1::SmtControl control, int threads_per_core);
int AllowedThreads(const v1::SmtStatus& smt);

}  // namespace hotplugger::agent
