// The answer of every limit that stands in the way: one form, so that all name the same things.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace hotplugger::agent {

// A limit that a change would pass.
struct PassedLimit {
  // LIMIT_...
  absl::string_view reason;
  // As in agent.yaml, without "limits.".
  absl::string_view key;
  std::string value;
  // For a person: what the change would come to.
  std::string outcome;
  // For a machine: what would be left; empty where the limit counts nothing.
  std::string left;
  // "CONDITIONAL": the host may change so that the limit allows it; "PERMANENT": a person must
  // change the limit.
  absl::string_view retry = "CONDITIONAL";
};

// `device` is empty where the change is of several.
absl::Status Refuse(absl::string_view device, const PassedLimit& limit);

// So many percent of `whole`, rounded up. Does not overflow for percentages up to 100.
template <typename Number>
Number PercentOf(Number whole, int percent) {
  return (whole / 100) * static_cast<Number>(percent) +
         ((whole % 100) * static_cast<Number>(percent) + 99) / 100;
}

}  // namespace hotplugger::agent
