// Whether a hold makes sense by itself, whatever its node looks like.
#pragma once

#include <vector>

#include "absl/time/time.h"
#include "common/error_info.h"
#include "hotplugger/v1/policy.pb.h"

namespace hotplugger::server {

// A hold lapses after so long, or never.
inline constexpr absl::Duration kMinHoldTtl = absl::Seconds(1);
inline constexpr absl::Duration kMaxHoldTtl = absl::Hours(24 * 3650);

// Every problem at once, with paths like "hold.subject"; none: the hold is valid. `now` decides
// whether its expiry lies ahead.
std::vector<FieldViolation> ValidateHold(const v1::Hold& hold, absl::Time now);

}  // namespace hotplugger::server
