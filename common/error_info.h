// Errors with a machine's view: a reason and facts, as payloads of absl::Status that travel as
// google.rpc details. Every error that reaches a person or the wire is made here.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace hotplugger {

inline constexpr char kErrorDomain[] = "hotplugger.v1";

// Facts of an error, e.g. {{"device", "cpu3"}, {"errno", "EBUSY"}}.
using ErrorMetadata = std::vector<std::pair<std::string, std::string>>;

// One wrong field of a request or file.
struct FieldViolation {
  // Path from the root, e.g. "policy.cpu.offline".
  std::string field;
  // The value, what is wrong with it, what would be right.
  std::string description;
};

// An error of `code` whose `reason` is UPPER_SNAKE_CASE and stable.
absl::Status MakeError(absl::StatusCode code, absl::string_view reason, absl::string_view message,
                       const ErrorMetadata& metadata = {});

// INVALID_ARGUMENT with all violations, in the message and as BadRequest. Ok where there are none.
absl::Status MakeFieldErrors(const std::vector<FieldViolation>& violations);

// `status` with RetryInfo: not again before `delay`.
absl::Status WithRetryDelay(absl::Status status, absl::Duration delay);

// The delay that WithRetryDelay gave, or zero where there is none.
absl::Duration ErrorRetryDelay(const absl::Status& status);

// The reason that MakeError gave, or "" where there is none.
std::string ErrorReason(const absl::Status& status);

// The fact that MakeError was given under `key`, or "" where there is none.
std::string ErrorMetadataValue(const absl::Status& status, const std::string& key);

// The violations that MakeFieldErrors gave, or none.
std::vector<FieldViolation> ErrorFieldViolations(const absl::Status& status);

}  // namespace hotplugger
