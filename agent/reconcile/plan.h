// What must be done to bring the host to its spec: pure functions of a snapshot.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "agent/devices/cpu.h"
#include "hotplugger/v1/agent_state.pb.h"
#include "hotplugger/v1/node.pb.h"

namespace hotplugger::agent {

// One device to switch.
struct DeviceStep {
  // E.g. "cpu3".
  std::string device;
  bool online;

  bool operator==(const DeviceStep&) const = default;
};

// Steps in order: first what brings capacity back, then what takes it, the highest CPU first, so
// that a limit is met as late as can be. A CPU that the spec wants offline and that isn't present
// needs no step. Lists of `spec` that don't parse count as empty; CheckSpec has refused them.
std::vector<DeviceStep> PlanDevices(const v1::NodeSpec& spec, const v1::Baseline& baseline,
                                    const CpuInventory& cpus);

// `baseline` with the state of every device that `steps` will touch, where it isn't recorded yet.
v1::Baseline RecordDevices(v1::Baseline baseline, const std::vector<DeviceStep>& steps,
                           const CpuInventory& cpus);

// `baseline` without what is as it was then, or is no longer there: nothing is left to put back,
// and the next touch records anew. What can't be asked now is kept.
v1::Baseline ForgetRestored(v1::Baseline baseline, const v1::Inventory& inventory);

// Whether the spec says anything about which drivers run.
bool WantsDrivers(const v1::NodeSpec& spec);

// Drivers to be put back to their baseline, with the wanted state: those recorded, unless the spec
// still says which drivers are active, or that this one is stopped.
std::map<std::string, bool> DriversToRelease(const v1::NodeSpec& spec,
                                             const v1::Baseline& baseline);

}  // namespace hotplugger::agent
