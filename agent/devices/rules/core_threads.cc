#include "agent/devices/rules/core_threads.h"

#include <iterator>
#include <limits>

namespace hotplugger::agent {

int ThreadOf(const Topology& topology, int cpu) {
  const CpuSet core = topology.CoreCpus(cpu);
  return static_cast<int>(std::distance(core.begin(), core.find(cpu)));
}

int AllowedThreads(v1::SmtControl control, int threads_per_core) {
  switch (control) {
    case v1::SMT_CONTROL_OFF:
    case v1::SMT_CONTROL_FORCEOFF:
      return 1;
    case v1::SMT_CONTROL_PARTIAL:
      return threads_per_core;
    default:
      return std::numeric_limits<int>::max();
  }
}

int AllowedThreads(const v1::SmtStatus& smt) {
  return AllowedThreads(smt.control(), smt.threads_per_core());
}

}  // namespace hotplugger::agent
