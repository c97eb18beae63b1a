#include "server/fleet/plan_summary.h"

#include "absl/strings/str_cat.h"
#include "common/error_info.h"
#include "common/rpc_status.h"

namespace hotplugger::server {
namespace {

void AddTo(v1::Capacity* sum, const v1::Capacity& part) {
  sum->set_cpus(sum->cpus() + part.cpus());
  sum->set_memory_bytes(sum->memory_bytes() + part.memory_bytes());
}

}  // namespace

PlanSummarizer::PlanSummarizer(const FleetPlan& plan) {
  for (const PlannedNode& node : plan.nodes) {
    nodes_[node.name] = {node.labels, node.resolution->digest};
  }
}

v1::NodePlan PlanSummarizer::Add(const v1::OperateNodesResponse& answer) {
  const Node& node = nodes_.at(answer.node());
  v1::NodePlan plan;
  plan.set_node(answer.node());
  plan.mutable_labels()->insert(node.labels.begin(), node.labels.end());
  plan.set_digest(node.digest);
  if (answer.result().has_plan_spec()) {
    *plan.mutable_plan() = answer.result().plan_spec().plan();
    Count(node.labels, plan.plan());
    return plan;
  }
  sums_.add_unanswered_nodes(answer.node());
  *plan.mutable_error() =
      answer.result().has_error()
          ? answer.result().error()
          : ToRpcStatus(MakeError(absl::StatusCode::kInternal, "BAD_ANSWER",
                                  absl::StrCat("node ", answer.node(),
                                               " answered something else than a plan; update its "
                                               "agent")));
  return plan;
}

void PlanSummarizer::Count(const Labels& labels, const v1::DevicePlan& plan) {
  sums_.set_planned_nodes(sums_.planned_nodes() + 1);
  for (const v1::ItemResult& step : plan.steps()) {
    if (step.outcome() == v1::OUTCOME_CHANGED) {
      sums_.set_changes(sums_.changes() + 1);
    } else {
      sums_.set_refusals(sums_.refusals() + 1);
    }
  }
  AddTo(sums_.mutable_before(), plan.before());
  AddTo(sums_.mutable_after(), plan.after());
  for (const auto& [key, value] : labels) {
    v1::DomainCapacity& domain = domains_[key][value];
    domain.set_label(absl::StrCat(key, "=", value));
    domain.set_nodes(domain.nodes() + 1);
    AddTo(domain.mutable_before(), plan.before());
    AddTo(domain.mutable_after(), plan.after());
  }
}

v1::PlanSummary PlanSummarizer::Summarize() const {
  v1::PlanSummary summary = sums_;
  for (const auto& [key, values] : domains_) {
    if (values.size() > kMaxLabelValues) continue;
    for (const auto& [value, domain] : values) *summary.add_domains() = domain;
  }
  return summary;
}

}  // namespace hotplugger::server
