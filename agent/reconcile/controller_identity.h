// Which controllers an agent obeys (DESIGN 12).
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "hotplugger/v1/agent_state.pb.h"

namespace hotplugger::agent {

// Who a controller's messages come from.
struct ControllerIdentity {
  // Only grows from one start of a fleet's controller to the next.
  uint64_t epoch = 0;
  // Of its store; empty: it doesn't say, or none was ever obeyed.
  std::string fleet_id = "";
  // Of the start that has this epoch; empty likewise.
  std::string epoch_id = "";
};

// The one that an agent has obeyed last.
ControllerIdentity ObeyedController(const v1::AgentState& state);

// What is known of another fleet's store is forgotten.
void SetObeyed(const ControllerIdentity& controller, v1::AgentState* state);

// INVALID_ARGUMENT (BAD_IDENTITY) where an id is longer than 64 bytes or not printable: once kept,
// it would have every later Hello refused.
absl::Status CheckIds(const ControllerIdentity& controller);

// Whether an agent that has obeyed `obeyed` may obey `controller`. FAILED_PRECONDITION:
// FLEET_MISMATCH where it is of another fleet, STALE_EPOCH where a later one has been obeyed,
// EPOCH_MISMATCH where another one of the same epoch has: its store was lost, or is a copy.
absl::Status CheckObeys(const ControllerIdentity& obeyed, const ControllerIdentity& controller);

}  // namespace hotplugger::agent
