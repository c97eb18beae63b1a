// Files of drivers.d: YAML, one or several documents, a driver each. docs/drivers.md describes the
// keys.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "agent/drivers/catalogue/driver_definition.h"

namespace hotplugger::agent {

// Of a knob's list of paths, or of writes.
inline constexpr size_t kMaxKnobSteps = 32;
// Of a value that is written, without the newline.
inline constexpr size_t kMaxKnobValue = 63;

// Ok where `pattern` may be a knob's path: below sys/ or proc/, relative, no "..", no empty name,
// at most kMaxKnobPath bytes, and no file that has an operation of its own (online and state of
// devices, smt/control) or that can end the host (sysrq-trigger, power/state).
inline constexpr size_t kMaxKnobPath = 191;
absl::Status ValidateKnobPath(absl::string_view pattern);

// Reads every driver in `text`. `file` is its name, for messages. INVALID_ARGUMENT with a violation
// for everything that is wrong, each beginning with FILE:LINE:COLUMN; then there are none.
absl::StatusOr<std::vector<DriverDefinition>> ParseDriverFile(absl::string_view file,
                                                              absl::string_view text);

}  // namespace hotplugger::agent
