#include "agent/devices/rules/device_plan.h"

#include <algorithm>

#include "agent/devices/rules/device_checks.h"
#include "agent/devices/rules/limit_totals.h"
#include "agent/devices/rules/plan_notes.h"
#include "agent/devices/rules/zones.h"

namespace hotplugger::agent {
namespace {

// The host as it would be, change by change.
class Simulation {
 public:
  Simulation(const Snapshot& snapshot, const SafetyLimits& limits)
      : now_(snapshot), limits_(limits), cpu_totals_(snapshot.cpus) {
    if (now_.memory) memory_totals_ = MemoryTotals(now_.memory->blocks);
  }

  PlannedChange Step(const DeviceChange& change) {
    switch (change.device.kind) {
      case v1::DEVICE_KIND_CPU:
        return StepCpu(change);
      case v1::DEVICE_KIND_MEMORY:
        return StepMemory(change);
      default:
        return StepGeneric(change);
    }
  }

  v1::Capacity Count() const {
    v1::Capacity capacity;
    capacity.set_cpus(cpu_totals_.online);
    capacity.set_memory_bytes(memory_totals_.online);
    return capacity;
  }

  const CpuSnapshot& cpus() const { return now_.cpus; }

 private:
  PlannedChange StepCpu(const DeviceChange& change) {
    PlannedChange planned = CheckCpuChange(change, now_.cpus, cpu_totals_, limits_);
    if (planned.outcome != v1::OUTCOME_CHANGED) return planned;
    const int cpu = change.device.number;
    CpuSet& online = now_.cpus.masks.online;
    if (change.online) {
      online.insert(cpu);
    } else {
      online.erase(cpu);
    }
    cpu_totals_.Count(now_.cpus, cpu, change.online);
    return planned;
  }

  PlannedChange StepMemory(const DeviceChange& change) {
    if (!now_.memory) return AbsentDevice(change, ": its kernel has no memory hotplug");
    PlannedChange planned = CheckMemoryChange(change, *now_.memory, memory_totals_, limits_);
    if (planned.outcome == v1::OUTCOME_CHANGED) ApplyMemory(change);
    return planned;
  }

  void ApplyMemory(const DeviceChange& change) {
    const uint64_t size = now_.memory->blocks.block_size_bytes;
    MemoryBlock& block = now_.memory->blocks.blocks.at(change.device.number);
    MemoryUse& use = now_.memory->use;
    memory_totals_.Count(now_.memory->blocks, block, change.online);
    NodeMemory& node = UseOf(block.node);
    if (change.online) {
      const bool movable = WouldBeMovable(block, change.zone);
      block.state = v1::DEVICE_STATE_ONLINE;
      block.zone = movable ? BlockZone::kMovable : BlockZone::kKernel;
      (movable ? node.movable_bytes : node.kernel_bytes) += size;
      use.total_bytes += size;
      use.available_bytes += size;
      return;
    }
    uint64_t& zone = block.zone == BlockZone::kMovable ? node.movable_bytes : node.kernel_bytes;
    for (uint64_t* bytes : {&zone, &use.total_bytes, &use.available_bytes}) {
      *bytes -= std::min(size, *bytes);
    }
    block.state = v1::DEVICE_STATE_OFFLINE;
    block.zone = BlockZone::kUnknown;
  }

  // A kernel without NUMA shows one node in zoneinfo, and blocks of none.
  NodeMemory& UseOf(int node) {
    auto& nodes = now_.memory->use.nodes;
    return node < 0 && !nodes.empty() ? nodes.begin()->second : nodes[node];
  }

  PlannedChange StepGeneric(const DeviceChange& change) {
    const auto device =
        std::find_if(now_.generic.begin(), now_.generic.end(), [&](const GenericDevice& generic) {
          return generic.bus == change.device.bus && generic.name == change.device.name;
        });
    if (device == now_.generic.end()) {
      return AbsentDevice(change, ", or has no `online` file");
    }
    PlannedChange planned = CheckGenericChange(change, *device, limits_);
    if (planned.outcome == v1::OUTCOME_CHANGED) device->online = change.online;
    return planned;
  }

  Snapshot now_;
  const SafetyLimits& limits_;
  CpuTotals cpu_totals_;
  MemoryTotals memory_totals_;
};

}  // namespace

ChangePlan PlanChanges(const DeviceChanges& changes, const Snapshot& snapshot,
                       const SafetyLimits& limits) {
  Simulation simulation(snapshot, limits);
  ChangePlan plan;
  plan.before = simulation.Count();
  for (const DeviceChange& change : changes) plan.steps.push_back(simulation.Step(change));
  plan.after = simulation.Count();
  plan.notes = NotesOnCpus(snapshot.cpus, simulation.cpus(), /*whole_host=*/false);
  return plan;
}

}  // namespace hotplugger::agent
