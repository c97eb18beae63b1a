// What every change of devices takes besides what it is about.
#pragma once

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "client/arguments.h"
#include "client/flag_values.h"
#include "hotplugger/v1/host_service.pb.h"

namespace hotplugger::client::host {

struct ChangeFlags {
  bool all_or_nothing = false;
  std::optional<std::string> deadline;
  bool dry_run = false;
  std::optional<std::string> plan_stamp;
};

// `flags` must outlive the parsing.
void DeclareChangeOptions(Arguments& arguments, ChangeFlags* flags);

// The options that the flags mean; absent ones stay absent. Adds a violation for what is wrong.
v1::ChangeOptions ReadChangeOptions(const ChangeFlags& flags, Violations* violations);

// BOOT:DIGEST, as --plan-stamp takes it.
std::string FormatPlanStamp(const v1::PlanStamp& stamp);

// The reverse. INVALID_ARGUMENT (BAD_PLAN_STAMP).
absl::StatusOr<v1::PlanStamp> ParsePlanStamp(absl::string_view text);

}  // namespace hotplugger::client::host
