#include "common/announcer.h"

#include <algorithm>
#include <utility>

#include "common/clock.h"

namespace hotplugger {
namespace {

// Every wait has a deadline; this one means nothing.
constexpr absl::Duration kIdle = absl::Minutes(10);

}  // namespace

void Announcer::AddListener(const std::shared_ptr<Listener>& listener) {
  MutexLock lock(&mutex_);
  // Those that have ended would pile up where nothing is ever announced.
  listeners_.erase(std::remove_if(listeners_.begin(), listeners_.end(),
                                  [](const auto& other) { return other.expired(); }),
                   listeners_.end());
  listeners_.push_back(listener);
}

void Announcer::Announce() {
  MutexLock lock(&mutex_);
  if (!std::exchange(pending_, true)) changed_.NotifyAll();
}

void Announcer::Stop() {
  {
    MutexLock lock(&mutex_);
    stopped_ = true;
    changed_.NotifyAll();
  }
  if (thread_.joinable()) thread_.join();
}

void Announcer::Run() {
  for (;;) {
    std::vector<std::shared_ptr<Listener>> listeners;
    {
      MutexLock lock(&mutex_);
      while (!stopped_ && !pending_) changed_.WaitUntil(&mutex_, SteadyNow() + kIdle);
      const absl::Time due = SteadyNow() + kInterval;
      while (!stopped_ && SteadyNow() < due) changed_.WaitUntil(&mutex_, due);
      if (stopped_) return;
      pending_ = false;
      for (const std::weak_ptr<Listener>& weak : listeners_) {
        if (std::shared_ptr<Listener> listener = weak.lock()) {
          listeners.push_back(std::move(listener));
        }
      }
    }
    for (const std::shared_ptr<Listener>& listener : listeners) listener->Changed();
  }
}

}  // namespace hotplugger
