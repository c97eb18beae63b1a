// The registry's errors: what the contract's errno values have become (contract 12 to 14).
#pragma once

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "agent/drivers/driver_snapshot.h"

namespace hotplugger::agent {

// ENXIO: INVALID_ARGUMENT, reason NO_DRIVER.
absl::Status NoDriverError();

// ENODEV: NOT_FOUND, reason DRIVER_NOT_REGISTERED; lists those that are, the first at least.
absl::Status NotRegisteredError(absl::string_view name, const DriverSnapshots& registered);

// EBUSY: UNAVAILABLE, reason SWITCH_IN_PROGRESS.
absl::Status SwitchInProgressError();

// EPERM: FAILED_PRECONDITION, reason SWITCHING_OFF.
absl::Status SwitchingOffError();

// FAILED_PRECONDITION, reason REENTRANT_CHANGE: `driver` is being changed further up the stack.
absl::Status ReentrantChangeError(absl::string_view driver);

// FAILED_PRECONDITION, reason DRIVER_STATE_UNKNOWN: nothing is decided on a guess.
absl::Status StateUnknownError(const DriverSnapshot& driver);

// `status` with code and payloads kept and the message replaced.
absl::Status WithMessage(const absl::Status& status, absl::string_view message);

}  // namespace hotplugger::agent
