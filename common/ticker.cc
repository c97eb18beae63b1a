#include "common/ticker.h"

#include <utility>

namespace hotplugger {

void ThreadTicker::Start(absl::Duration interval, std::function<void()> tick) {
  Stop();
  {
    MutexLock lock(&mutex_);
    stopped_ = false;
  }
  thread_ = std::thread([this, interval, tick = std::move(tick)] { Run(interval, tick); });
}

void ThreadTicker::Stop() {
  {
    MutexLock lock(&mutex_);
    stopped_ = true;
    changed_.NotifyAll();
  }
  if (thread_.joinable()) thread_.join();
}

void ThreadTicker::Run(absl::Duration interval, const std::function<void()>& tick) {
  absl::Time next = SteadyNow() + interval;
  MutexLock lock(&mutex_);
  while (!stopped_) {
    if (SteadyNow() < next) {
      changed_.WaitUntil(&mutex_, next);
      continue;
    }
    // Beats that were missed, as while the host slept, are not made up for.
    next = SteadyNow() + interval;
    mutex_.Unlock();
    tick();
    mutex_.Lock();
  }
}

}  // namespace hotplugger
