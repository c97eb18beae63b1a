// What a change would make of the fleet's specs, before any agent is asked what that comes to.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "hotplugger/v1/plan_service.pb.h"
#include "server/fleet/fleet_state.h"
#include "server/fleet/hold_operations.h"
#include "server/fleet/policy_operations.h"

namespace hotplugger::server {

// A node whose spec would be another one.
struct PlannedNode {
  std::string name;
  Labels labels;
  std::shared_ptr<const Resolution> resolution;
};

struct FleetPlan {
  v1::PlanOverview overview;
  // By name.
  std::vector<PlannedNode> nodes;
};

// On the engine's thread alone.
class FleetPlanner {
 public:
  // All outlive this.
  FleetPlanner(FleetState* state, PolicyOperations* policies, HoldOperations* holds)
      : state_(state), policies_(policies), holds_(holds) {}

  // Refused as the change itself would be; INVALID_ARGUMENT where there is none.
  absl::StatusOr<FleetPlan> Plan(const v1::PlanChangeRequest& request);

 private:
  absl::StatusOr<FleetPlan> PlanApply(const v1::Policy& wanted);
  absl::StatusOr<FleetPlan> PlanDelete(const std::string& name);
  absl::StatusOr<FleetPlan> PlanSetHold(const v1::Hold& wanted);
  absl::StatusOr<FleetPlan> PlanReleaseHold(const v1::HoldName& name);
  // Those of all nodes, or of the one named, that would have another spec.
  std::vector<PlannedNode> FindAffected(const WhatIf& what_if, const std::string& node = "") const;

  FleetState* const state_;
  PolicyOperations* const policies_;
  HoldOperations* const holds_;
};

}  // namespace hotplugger::server
