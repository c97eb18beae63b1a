// What the nodes' plans come to together.
#pragma once

#include <map>
#include <string>

#include "hotplugger/v1/fleet_service.pb.h"
#include "hotplugger/v1/plan_service.pb.h"
#include "server/fleet/fleet_plan.h"

namespace hotplugger::server {

// Not safe for concurrent use.
class PlanSummarizer {
 public:
  // A label with more values than this has no sums: they would say nothing.
  static constexpr size_t kMaxLabelValues = 64;

  // REQUIRES: the answers that are added are of nodes of `plan`.
  explicit PlanSummarizer(const FleetPlan& plan);

  // A node's answer as a plan; counted.
  v1::NodePlan Add(const v1::OperateNodesResponse& answer);

  v1::PlanSummary Summarize() const;

 private:
  struct Node {
    Labels labels;
    std::string digest;
  };

  void Count(const Labels& labels, const v1::DevicePlan& plan);

  std::map<std::string, Node> nodes_;
  v1::PlanSummary sums_;
  // By key and value of a label.
  std::map<std::string, std::map<std::string, v1::DomainCapacity>> domains_;
};

}  // namespace hotplugger::server
