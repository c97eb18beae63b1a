// Whether a policy makes sense by itself, whatever the fleet looks like.
#pragma once

#include <vector>

#include "absl/time/time.h"
#include "common/error_info.h"
#include "hotplugger/v1/policy.pb.h"

namespace hotplugger::server {

inline constexpr int kMaxPriority = 1'000'000;
inline constexpr int kMaxActiveDrivers = 16;
inline constexpr int kMaxStoppedDrivers = 64;
inline constexpr int kMaxWhitelistedDrivers = 64;
inline constexpr absl::Duration kMinConfirmWindow = absl::Seconds(5);
inline constexpr absl::Duration kMaxConfirmWindow = absl::Hours(1);

// Every problem at once, with paths like "policy.cpu.offline"; none: the policy is valid.
std::vector<FieldViolation> ValidatePolicy(const v1::Policy& policy);

}  // namespace hotplugger::server
