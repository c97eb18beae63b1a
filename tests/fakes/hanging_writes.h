// What WriterProcess makes of a write that hangs in the kernel, for fakes of a KernelWriter.
#pragma once

#include <functional>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/clock.h"
#include "common/error_info.h"
#include "common/mutex.h"

namespace hotplugger::testing {

// The write is STUCK at its deadline. The next ones wait for it, at most until their own deadlines:
// then they are refused. Once the hang is over the write takes effect, late.
class HangingWrites {
 public:
  enum class Until { kNextWrite, kLetGo };

  // The hang of one write; `effect` is what it comes to. Ok where LetGo came in time.
  absl::Status Hang(Until until, absl::Time deadline, std::function<void()> effect) {
    MutexLock lock(&mutex_);
    let_go_ = false;
    until_ = until;
    effect_ = std::move(effect);
    while (!let_go_ && SteadyNow() < deadline) changed_.WaitUntil(&mutex_, deadline);
    if (let_go_) {
      TakeEffectLocked();
      return absl::OkStatus();
    }
    return MakeError(absl::StatusCode::kDeadlineExceeded, "STUCK",
                     "the write has had no answer by its deadline");
  }

  // What comes before every write.
  absl::Status Enter(absl::Time deadline) {
    MutexLock lock(&mutex_);
    if (effect_ == nullptr) return absl::OkStatus();
    while (until_ == Until::kLetGo && !let_go_ && SteadyNow() < deadline) {
      changed_.WaitUntil(&mutex_, deadline);
    }
    if (until_ == Until::kLetGo && !let_go_) {
      return MakeError(absl::StatusCode::kUnavailable, "QUEUE_BLOCKED",
                       "an earlier write has still not ended");
    }
    TakeEffectLocked();
    return absl::OkStatus();
  }

  // The kernel hangs no longer.
  void LetGo() {
    MutexLock lock(&mutex_);
    let_go_ = true;
    changed_.NotifyAll();
    if (effect_ != nullptr) TakeEffectLocked();
  }

 private:
  void TakeEffectLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (effect_ != nullptr) std::exchange(effect_, nullptr)();
  }

  Mutex mutex_;
  CondVar changed_;
  bool let_go_ ABSL_GUARDED_BY(mutex_) = false;
  Until until_ ABSL_GUARDED_BY(mutex_) = Until::kLetGo;
  // Of the write that hangs; none: nothing hangs.
  std::function<void()> effect_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace hotplugger::testing
