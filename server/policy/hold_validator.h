// Whether a hold makes sense by itself, whatever its node looks like.
#pragma once

#include <cstddef>
#include <vector>

#include "common/error_info.h"
#include "hotplugger/v1/policy.pb.h"

namespace hotplugger::server {

// A hold's reason has at most so many bytes.
inline constexpr size_t kMaxReasonLength = 1024;

// Every problem at once, with paths like "hold.subject"; none: the hold is valid.
std::vector<FieldViolation> ValidateHold(const v1::Hold& hold);

}  // namespace hotplugger::server
