#pragma once

#include <utility>

#include "absl/status/statusor.h"
#include "agent/reconcile/state_file.h"
#include "common/mutex.h"

namespace hotplugger::testing {

// StateFile's twin in memory, which can fail like a full disk.
class MemoryStateStore final : public agent::StateStore {
 public:
  absl::StatusOr<v1::AgentState> Load() override { return saved; }

  absl::Status Save(const v1::AgentState& state) override {
    {
      MutexLock lock(&mutex_);
      if (!failure_.ok()) return failure_;
    }
    saved = state;
    ++saves;
    return absl::OkStatus();
  }

  // What Save answers from now on. Safe for concurrent use, unlike the rest.
  void SetFailure(absl::Status failure) {
    MutexLock lock(&mutex_);
    failure_ = std::move(failure);
  }

  v1::AgentState saved;
  int saves = 0;

 private:
  Mutex mutex_;
  absl::Status failure_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace hotplugger::testing
