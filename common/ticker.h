// A beat: something that happens again and again until it is stopped.
#pragma once

#include <functional>
#include <optional>
#include <thread>

#include "absl/time/time.h"
#include "common/mutex.h"

namespace hotplugger {

// Safe for concurrent use, but Start and Stop must not cross.
class Ticker {
 public:
  virtual ~Ticker() = default;

  // Calls `tick`, which must not block, each `interval` from now on. Replaces an earlier beat.
  virtual void Start(absl::Duration interval, std::function<void()> tick) = 0;

  // No call begins afterwards; not from `tick`. May be called again.
  virtual void Stop() = 0;
};

// With a thread of its own while it beats, and none else.
class ThreadTicker final : public Ticker {
 public:
  ThreadTicker() = default;
  ~ThreadTicker() override { Stop(); }
  ThreadTicker(const ThreadTicker&) = delete;
  ThreadTicker& operator=(const ThreadTicker&) = delete;

  void Start(absl::Duration interval, std::function<void()> tick) override;
  void Stop() override;

 private:
  void Run(absl::Duration interval, const std::function<void()>& tick);

  Mutex mutex_;
  CondVar changed_;
  bool stopped_ ABSL_GUARDED_BY(mutex_) = true;
  std::thread thread_;
};

}  // namespace hotplugger
