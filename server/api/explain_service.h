#pragma once

#include <grpcpp/support/server_callback.h>

#include "hotplugger/v1/explain_service.grpc.pb.h"
#include "server/fleet/fleet_engine.h"
#include "server/fleet/operation_desk.h"

namespace hotplugger::server {

// Why things are to be as they are: the engine's part and the host's. All parts must outlive the
// server.
class ExplainService final : public v1::ExplainService::CallbackService {
 public:
  ExplainService(FleetEngine* engine, NodeOperator* nodes) : engine_(engine), nodes_(nodes) {}

  grpc::ServerUnaryReactor* ExplainSubject(grpc::CallbackServerContext* context,
                                           const v1::ExplainSubjectRequest* request,
                                           v1::ExplainSubjectResponse* response) override;

 private:
  FleetEngine* const engine_;
  NodeOperator* const nodes_;
};

}  // namespace hotplugger::server
