#pragma once

#include <grpcpp/support/server_callback.h>

#include "hotplugger/v1/plan_service.grpc.pb.h"
#include "server/api/run_stream.h"
#include "server/fleet/fleet_engine.h"

namespace hotplugger::server {

// Plans of changes. All parts must outlive the server.
class PlanService final : public v1::PlanService::CallbackService {
 public:
  PlanService(FleetEngine* engine, NodeOperator* nodes, OperationCalls* calls)
      : engine_(engine), nodes_(nodes), calls_(calls) {}

  grpc::ServerWriteReactor<v1::PlanChangeResponse>* PlanChange(
      grpc::CallbackServerContext* context, const v1::PlanChangeRequest* request) override;

 private:
  FleetEngine* const engine_;
  NodeOperator* const nodes_;
  OperationCalls* const calls_;
};

}  // namespace hotplugger::server
