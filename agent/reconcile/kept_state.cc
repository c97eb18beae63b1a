#include "agent/reconcile/kept_state.h"

#include <string>

#include "common/log.h"
#include "common/status_macros.h"

namespace hotplugger::agent {

absl::Status KeptState::Save(v1::AgentState state) {
  RETURN_IF_ERROR(Write(state));
  state_ = std::move(state);
  return absl::OkStatus();
}

void KeptState::Keep(v1::AgentState state) {
  state_ = std::move(state);
  // It is logged, and told by failure().
  Write(state_).IgnoreError();
}

void KeptState::Retry() {
  if (!failure_.ok()) Write(state_).IgnoreError();
}

absl::Status KeptState::Write(const v1::AgentState& state) {
  const bool failed_before = !failure_.ok();
  failure_ = store_.Save(state);
  if (failure_.ok() && failed_before) Log(LogLevel::kInfo, "the agent's state is saved again");
  if (!failure_.ok() && !failed_before) {
    Log(LogLevel::kError, "the agent's state can't be saved",
        {{"cause", std::string(failure_.message())}});
  }
  return failure_;
}

}  // namespace hotplugger::agent
