#include "agent/drivers/builtin/parking_plan.h"

#include <algorithm>
#include <map>

#include "agent/devices/rules/victims.h"

namespace hotplugger::agent {
namespace {

bool CanGo(const CpuControl::View& view, const CpuSet& core) {
  return std::all_of(core.begin(), core.end(), [&view](int cpu) {
    return view.cpus.hotpluggable.count(cpu) > 0 && view.decided.count(cpu) == 0;
  });
}

// The cores in the order in which they would be parked, each by its first thread.
std::vector<int> FirstThreads(const CpuSnapshot& cpus) {
  std::vector<int> firsts;
  for (const int cpu : CpuOfflineOrder(cpus, {})) {
    if (!cpus.topology.IsSecondaryThread(cpu)) firsts.push_back(cpu);
  }
  return firsts;
}

}  // namespace

CpuSet NextCoreToPark(const CpuControl::View& view, const CpuSet& parked,
                      const ParkingSettings& settings) {
  const CpuSet& online = view.cpus.masks.online;
  const size_t most_parked =
      view.cpus.masks.present.size() * static_cast<size_t>(settings.max_parked_percent) / 100;
  for (const int first : FirstThreads(view.cpus)) {
    CpuSet core;
    for (const int cpu : view.cpus.topology.CoreCpus(first)) {
      if (online.count(cpu) > 0) core.insert(cpu);
    }
    if (core.empty() || !CanGo(view, core)) continue;
    const bool within =
        online.size() >= core.size() + static_cast<size_t>(settings.min_online_cpus) &&
        parked.size() + core.size() <= most_parked;
    return within ? core : CpuSet();
  }
  return {};
}

std::vector<CpuSet> CoresToWake(const CpuControl::View& view, const CpuSet& parked) {
  std::map<CoreKey, CpuSet> cores;
  for (const int cpu : parked) cores[view.cpus.topology.CoreOf(cpu)].insert(cpu);
  std::vector<CpuSet> order;
  const std::vector<int> firsts = FirstThreads(view.cpus);
  for (auto first = firsts.rbegin(); first != firsts.rend(); ++first) {
    const auto core = cores.find(view.cpus.topology.CoreOf(*first));
    if (core == cores.end()) continue;
    order.push_back(core->second);
    cores.erase(core);
  }
  for (const auto& [key, core] : cores) order.push_back(core);
  return order;
}

}  // namespace hotplugger::agent
