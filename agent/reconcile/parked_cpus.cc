#include "agent/reconcile/parked_cpus.h"

#include <utility>

#include "absl/status/statusor.h"

namespace hotplugger::agent {

std::map<std::string, CpuSet> ParkedCpus(const v1::AgentState& state) {
  std::map<std::string, CpuSet> parked;
  for (const auto& [driver, record] : state.builtin_drivers()) {
    absl::StatusOr<CpuSet> cpus = ParseCpuList(record.parked_cpus());
    if (cpus.ok() && !cpus->empty()) parked[driver] = *std::move(cpus);
  }
  return parked;
}

}  // namespace hotplugger::agent
