// The CPUs that the agent's own drivers have parked, as its state file remembers them.
#pragma once

#include <map>
#include <string>

#include "agent/devices/inventory/snapshot.h"
#include "common/cpu_list.h"
#include "hotplugger/v1/agent_state.pb.h"

namespace hotplugger::agent {

// By driver; those that have parked none are left out.
std::map<std::string, CpuSet> ParkedCpus(const v1::AgentState& state);

// Of all drivers together.
CpuSet AllParkedCpus(const v1::AgentState& state);

// The host as it would be had these drivers parked nothing. That is what a device goes back to once
// the spec lets go of it: a driver whose CPU the spec has had a say in no longer knows of it.
Snapshot WithoutParking(Snapshot snapshot, const v1::AgentState& state);

}  // namespace hotplugger::agent
