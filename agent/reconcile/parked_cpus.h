// The CPUs that the agent's own drivers have parked, as its state file remembers them.
#pragma once

#include <map>
#include <string>

#include "common/cpu_list.h"
#include "hotplugger/v1/agent_state.pb.h"

namespace hotplugger::agent {

// By driver; those that have parked none are left out.
std::map<std::string, CpuSet> ParkedCpus(const v1::AgentState& state);

}  // namespace hotplugger::agent
