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

CpuSet AllParkedCpus(const v1::AgentState& state) {
  CpuSet parked;
  for (const auto& [driver, cpus] : ParkedCpus(state)) parked.insert(cpus.begin(), cpus.end());
  return parked;
}

Snapshot WithoutParking(Snapshot snapshot, const v1::AgentState& state) {
  CpuMasks& masks = snapshot.cpus.masks;
  for (const int cpu : AllParkedCpus(state)) {
    if (masks.present.count(cpu) > 0) masks.online.insert(cpu);
  }
  return snapshot;
}

}  // namespace hotplugger::agent
