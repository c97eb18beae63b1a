// Full-jitter exponential back-off: a fleet that lost its controller must not come back at once.
#pragma once

#include "absl/random/random.h"
#include "absl/time/time.h"

namespace hotplugger {

// Not safe for concurrent use.
class Backoff {
 public:
  struct Options {
    absl::Duration base = absl::Milliseconds(500);
    absl::Duration cap = absl::Seconds(30);
  };

  explicit Backoff(Options options) : options_(options), ceiling_(options.base) {}

  // The next wait: uniform in [0, ceiling], where the ceiling doubles up to the cap.
  absl::Duration Next();

  // Begin again at the base, after a time of health.
  void Reset() { ceiling_ = options_.base; }

 private:
  const Options options_;
  absl::Duration ceiling_;
  absl::BitGen random_;
};

}  // namespace hotplugger
