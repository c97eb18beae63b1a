// Time as an injected dependency: rules never read the machine's clock themselves.
#pragma once

#include <chrono>

#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace hotplugger {

// Safe for concurrent use.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual absl::Time Now() = 0;
};

// The machine's clock: what time it is, for people. Somebody may set it, so nothing waits by it.
class SystemClock final : public Clock {
 public:
  absl::Time Now() override { return absl::Now(); }
};

// Time that nobody sets: for waits and deadlines. Only differences between its values mean
// anything.
inline absl::Time SteadyNow() {
  return absl::UnixEpoch() + absl::FromChrono(std::chrono::steady_clock::now().time_since_epoch());
}

// SteadyNow as a clock, for what measures and waits.
class SteadyClock final : public Clock {
 public:
  absl::Time Now() override { return SteadyNow(); }
};

}  // namespace hotplugger
