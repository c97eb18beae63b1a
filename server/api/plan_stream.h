// One PlanChange call.
#pragma once

#include <memory>
#include <optional>

#include "hotplugger/v1/plan_service.pb.h"
#include "server/api/run_stream.h"
#include "server/fleet/fleet_engine.h"
#include "server/fleet/plan_summary.h"

namespace hotplugger::server {

class PlanStream final : public RunStream<v1::PlanChangeResponse> {
 public:
  // Has the engine say which nodes the change touches, and asks these. All outlive the call.
  static PlanStream* Start(const v1::PlanChangeRequest& request, FleetEngine* engine,
                           NodeOperator* nodes, OperationCalls* calls);

 private:
  explicit PlanStream(OperationCalls* calls) : RunStream(calls) {}

  void Translate(v1::OperateNodesResponse answer, v1::PlanChangeResponse* response) override;
  std::optional<v1::PlanChangeResponse> First() override;
  std::optional<v1::PlanChangeResponse> Last() override;

  // Set before the run begins; used under the stream's lock from then on.
  v1::PlanOverview overview_;
  std::optional<PlanSummarizer> summarizer_;
};

}  // namespace hotplugger::server
