// Which changes `plan` is asked about, from its arguments.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/command.h"
#include "hotplugger/v1/plan_service.pb.h"

namespace hotplugger::client::fleet {

struct PlanOptions {
  // Of -f.
  std::optional<std::string> source;
  // A verb that changes what is wanted, and its arguments.
  std::optional<std::string> verb;
  std::optional<std::string> first;
  std::optional<std::string> second;
  std::optional<std::string> parallel;
  std::optional<std::string> deadline;
};

std::shared_ptr<PlanOptions> DeclarePlanOptions(Arguments& arguments);

// One change, and what it would be once it is made: "policy/park-lab applied".
struct PlannedChange {
  std::string what;
  // "policies/park-lab": as the controller names it.
  std::string resource;
  v1::PlanChangeRequest request;
};

// INVALID_ARGUMENT where the arguments or the files are wrong. Of quarantine the node is asked
// where the core is.
absl::StatusOr<std::vector<PlannedChange>> MakePlannedChanges(const PlanOptions& options,
                                                              Session& session);

// `status`, the controller's answer to such a request, with its fields named by their flags.
absl::Status NamePlanFlags(const absl::Status& status);

}  // namespace hotplugger::client::fleet
