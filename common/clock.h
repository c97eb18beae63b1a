// Time as an injected dependency: rules never read the machine's clock themselves.
#pragma once

#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace hotplugger {

// Safe for concurrent use.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual absl::Time Now() = 0;
};

// The machine's clock.
class SystemClock final : public Clock {
 public:
  absl::Time Now() override { return absl::Now(); }
};

}  // namespace hotplugger
