#pragma once

#include <utility>

#include "absl/status/statusor.h"
#include "agent/reconcile/state_file.h"
#include "common/mutex.h"

namespace hotplugger::testing {

// StateFile's twin in memory, which can fail like a full disk.
class MemoryStateStore final : public agent::StateStore {
 public:
  absl::StatusOr<Loaded> Load() override {
    Loaded loaded;
    if (damage.ok()) loaded.state = saved;
    loaded.from = damage.ok() ? Loaded::From::kLatest : Loaded::From::kNowhere;
    if (!damage.ok() && previous_is_left) {
      loaded.state = previous;
      loaded.from = Loaded::From::kPrevious;
    }
    loaded.damage = damage;
    return loaded;
  }

  absl::Status Save(const v1::AgentState& state) override {
    {
      MutexLock lock(&mutex_);
      if (!failure_.ok()) return failure_;
    }
    previous = std::exchange(saved, state);
    damage = absl::OkStatus();
    ++saves;
    return absl::OkStatus();
  }

  // What Save answers from now on. Safe for concurrent use, unlike the rest.
  void SetFailure(absl::Status failure) {
    MutexLock lock(&mutex_);
    failure_ = std::move(failure);
  }

  v1::AgentState saved;
  // What was saved before that.
  v1::AgentState previous;
  // What Load tells; not ok: of `saved` nothing is left.
  absl::Status damage;
  // And whether then `previous` is.
  bool previous_is_left = false;
  int saves = 0;

 private:
  Mutex mutex_;
  absl::Status failure_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace hotplugger::testing
