// Why somebody on the host itself may not do what they ask: the spec says otherwise, and the agent
// would only undo it.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "hotplugger/v1/agent_state.pb.h"

namespace hotplugger::agent {

// Who wants `setting` (a field of NodeSpec) or `subject` ("cpu3"), e.g. "hold/cpu3" or
// "policy/park"; "its controller" where the state doesn't say.
std::string SourcesOf(const v1::AgentState& state, absl::string_view setting,
                      absl::string_view subject);

// FAILED_PRECONDITION, reason HELD_BY_SPEC: `what`, e.g. "cpu3 is offline", as `sources` want.
absl::Status HeldBySpec(absl::string_view what, const std::string& sources);

}  // namespace hotplugger::agent
