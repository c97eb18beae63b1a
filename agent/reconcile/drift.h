// What is found unlike the spec: how it is told, and who did it.
#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "agent/devices/operations/journal.h"
#include "agent/devices/rules/device_change.h"
#include "hotplugger/v1/agent_state.pb.h"
#include "hotplugger/v1/node.pb.h"

namespace hotplugger::agent {

// Without its time.
v1::DriftItem MakeDrift(absl::string_view subject, absl::string_view wanted,
                        absl::string_view found, std::string actor);

// "on", "off", "forceoff" and so on.
std::string SmtWord(v1::SmtControl control);

// Who has made the device unlike `wanted`, as far as the journal shows: "person", who used the
// agent of this host; "driver/NAME", one of the agent's own; or "" where something else did. SMT
// comes with its CPUs, so what it did to a CPU is told too.
std::string FindActor(const DeviceChange& wanted, const Journal& journal,
                      const v1::AgentState& state);
// Who has set SMT otherwise than `on`.
std::string FindSmtActor(bool on, const Journal& journal);

}  // namespace hotplugger::agent
