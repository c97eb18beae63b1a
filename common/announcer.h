// Tells whoever listens that there is something new.
#pragma once

#include <memory>
#include <thread>
#include <vector>

#include "absl/time/time.h"
#include "common/mutex.h"

namespace hotplugger {

// Safe for concurrent use; its lock is a leaf. One thread, on which listeners are told: what comes
// in a burst once.
class Announcer {
 public:
  // Must not block.
  class Listener {
   public:
    virtual ~Listener() = default;
    virtual void Changed() = 0;
  };

  // Listeners are told at most so often.
  static constexpr absl::Duration kInterval = absl::Milliseconds(50);

  Announcer() : thread_([this] { Run(); }) {}
  ~Announcer() { Stop(); }
  Announcer(const Announcer&) = delete;
  Announcer& operator=(const Announcer&) = delete;

  // Told until it is gone.
  void AddListener(const std::shared_ptr<Listener>& listener);

  // There is something new. Calls nobody.
  void Announce();

  // Tells nobody any more. May be called again.
  void Stop();

 private:
  void Run();

  Mutex mutex_;
  CondVar changed_;
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
  // Something has yet to be told.
  bool pending_ ABSL_GUARDED_BY(mutex_) = false;
  // Those that are gone are dropped.
  std::vector<std::weak_ptr<Listener>> listeners_ ABSL_GUARDED_BY(mutex_);
  // Last: it uses all of the above.
  std::thread thread_;
};

}  // namespace hotplugger
