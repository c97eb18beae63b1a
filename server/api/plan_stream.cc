#include "server/api/plan_stream.h"

#include <utility>

#include "server/fleet/operation_run.h"

namespace hotplugger::server {

PlanStream* PlanStream::Start(const v1::PlanChangeRequest& request, FleetEngine* engine,
                              NodeOperator* nodes, OperationCalls* calls) {
  const std::shared_ptr<PlanStream> stream(new PlanStream(calls));
  Hold(stream);
  PlanStream* const reactor = stream.get();
  absl::StatusOr<OperationPlan> asked = PlanQuestions(request);
  if (asked.ok()) {
    // Before the engine looks at a whole fleet for it.
    const absl::Status entered = reactor->Enter();
    if (!entered.ok()) asked = entered;
  }
  if (!asked.ok()) {
    Run(stream, asked.status(), nodes);
    return reactor;
  }
  engine->PlanChange(request, [stream, nodes, asked](absl::StatusOr<FleetPlan> plan) {
    if (!plan.ok()) {
      Run(stream, plan.status(), nodes);
      return;
    }
    stream->overview_ = plan->overview;
    stream->summarizer_.emplace(*plan);
    OperationPlan questions = *asked;
    for (PlannedNode& node : plan->nodes) {
      questions.nodes.push_back(node.name);
      questions.specs[node.name] = std::move(node.resolution);
    }
    Run(stream, std::move(questions), nodes);
  });
  return reactor;
}

void PlanStream::Translate(v1::OperateNodesResponse answer, v1::PlanChangeResponse* response) {
  *response->mutable_node() = summarizer_->Add(answer);
}

std::optional<v1::PlanChangeResponse> PlanStream::First() {
  v1::PlanChangeResponse response;
  *response.mutable_overview() = overview_;
  return response;
}

std::optional<v1::PlanChangeResponse> PlanStream::Last() {
  v1::PlanChangeResponse response;
  *response.mutable_summary() = summarizer_->Summarize();
  return response;
}

}  // namespace hotplugger::server
