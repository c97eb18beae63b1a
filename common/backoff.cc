#include "common/backoff.h"

#include <algorithm>

namespace hotplugger {

absl::Duration Backoff::Next() {
  const absl::Duration wait = absl::Uniform(random_, 0.0, 1.0) * ceiling_;
  ceiling_ = std::min(ceiling_ * 2, options_.cap);
  return wait;
}

}  // namespace hotplugger
