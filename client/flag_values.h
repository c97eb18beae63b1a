// Values of flags, read strictly. A wrong one becomes a violation, so that a person sees all of
// them at once.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "common/error_info.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/timestamp.pb.h"

namespace hotplugger::client {

using Violations = std::vector<FieldViolation>;

// `text` in quotes, printable, cut where it is long.
std::string Quoted(absl::string_view text);

// Digits alone, from `least` to `most`; else a violation of `flag` and 0.
int ReadNumber(const std::string& flag, absl::string_view text, int least, int most,
               Violations* violations);

// A deadline: 1s to 1h, as controller and agent take it; else a violation of `flag`.
google::protobuf::Duration ReadDeadline(const std::string& flag, const std::string& text,
                                        Violations* violations);

// A duration as absl has it, and "3d" besides; false where it is none. It may be negative.
bool ParseDurationOrDays(const std::string& text, absl::Duration* duration);

// --since: a time ago ("2h", "3d"), counted from `now`, or a date and time with its zone; else a
// violation.
void ReadSince(const std::string& text, absl::Time now, google::protobuf::Timestamp* since,
               Violations* violations);

// The kernel's name of a device, as far as it can be told here: 1 to 255 printable ASCII characters
// without spaces. The agent knows the rest.
void CheckDeviceName(const std::string& flag, absl::string_view text, Violations* violations);

// The value; where it is an error, a violation of `flag` with its message, and an empty T.
template <typename T>
T ValueOr(const std::string& flag, absl::StatusOr<T> value, Violations* violations) {
  if (value.ok()) return *std::move(value);
  violations->push_back({flag, std::string(value.status().message())});
  return T();
}

// A field of a request, e.g. "options.deadline", and the flag that sets it.
using FieldFlag = std::pair<absl::string_view, absl::string_view>;

// `status` with each field that is, or is in, one of `flags` named by the first such flag.
absl::Status NameFlags(const absl::Status& status, absl::Span<const FieldFlag> flags);

}  // namespace hotplugger::client
