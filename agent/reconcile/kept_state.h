// The agent's memory: in this process, and on its disk as far as that can be written.
#pragma once

#include <utility>

#include "absl/status/status.h"
#include "agent/reconcile/state_file.h"
#include "hotplugger/v1/agent_state.pb.h"

namespace hotplugger::agent {

// Two ways to remember. What the agent promises to somebody is saved, or it isn't so. What it has
// to know to do what it has promised long ago is kept: a disk that is full must not bring a bad CPU
// back. Not safe for concurrent use.
class KeptState {
 public:
  // `store` outlives this.
  explicit KeptState(StateStore& store) : store_(store) {}

  const v1::AgentState& state() const { return state_; }

  // As the agent found it; not saved before the next change.
  void Begin(v1::AgentState state) { state_ = std::move(state); }

  // On the disk when it returns ok; on an error the earlier state stands.
  absl::Status Save(v1::AgentState state);

  // It is so from now on; what can't be saved is tried again with each change and by Retry.
  void Keep(v1::AgentState state);

  // Tries again where the last try failed.
  void Retry();

  // Why the last try failed; ok where the disk has all that was kept, as far as anybody knows.
  const absl::Status& failure() const { return failure_; }

 private:
  absl::Status Write(const v1::AgentState& state);

  StateStore& store_;
  v1::AgentState state_;
  absl::Status failure_;
};

}  // namespace hotplugger::agent
