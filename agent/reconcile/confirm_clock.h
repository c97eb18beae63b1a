// How long the spec in force still has to be confirmed.
#pragma once

#include <optional>

#include "absl/time/time.h"

namespace hotplugger::agent {

// Without a clock of its own: the caller says what time it is. Not safe for concurrent use.
class ConfirmClock {
 public:
  // After a pass: the window runs from the end of the spec's first one on, however that ended: what
  // failed in part may have cut this host off all the same. `window`: nothing where the spec waits
  // for no confirmation.
  void NotePass(std::optional<absl::Duration> window, absl::Time now) {
    if (!window) {
      Stop();
    } else if (!due_) {
      due_ = now + *window;
    }
  }
  // Another spec is in force, or this one is confirmed.
  void Stop() { due_.reset(); }
  // What was due could not be done.
  void Postpone(absl::Time until) { due_ = until; }

  bool runs() const { return due_.has_value(); }
  // When the spec is given up.
  absl::Time due() const { return due_.value_or(absl::InfiniteFuture()); }

 private:
  std::optional<absl::Time> due_;
};

}  // namespace hotplugger::agent
