#pragma once

#include "absl/status/statusor.h"
#include "agent/reconcile/state_file.h"

namespace hotplugger::testing {

// StateFile's twin in memory, which can fail like a full disk.
class MemoryStateStore final : public agent::StateStore {
 public:
  absl::StatusOr<v1::AgentState> Load() override { return saved; }

  absl::Status Save(const v1::AgentState& state) override {
    if (!failure.ok()) return failure;
    saved = state;
    ++saves;
    return absl::OkStatus();
  }

  v1::AgentState saved;
  absl::Status failure;
  int saves = 0;
};

}  // namespace hotplugger::testing
