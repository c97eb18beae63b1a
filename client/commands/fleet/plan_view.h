// What a change would do, as the controller answered, for a person.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "client/command.h"
#include "hotplugger/v1/plan_service.pb.h"

namespace hotplugger::client::fleet {

// The answers to one plan, as far as they came.
struct PlanAnswers {
  v1::PlanOverview overview;
  // By name.
  std::vector<v1::NodePlan> nodes;
  // Absent: it ended early.
  std::optional<v1::PlanSummary> summary;
};

// Prints how many nodes the change is for, each node's steps in order, what a person should know
// besides, and capacity before and after. `what` is the change once it is made. Nodes that gave no
// plan are named here, and why goes to standard error.
void PrintPlan(const std::string& what, const PlanAnswers& answers, Session& session);

// So much of a plan would be done, of so much. A node whose steps are none counts as done, one that
// gave no plan as not.
struct PlanShare {
  int done = 0;
  int total = 0;
};
PlanShare ShareOf(const PlanAnswers& answers);

}  // namespace hotplugger::client::fleet
