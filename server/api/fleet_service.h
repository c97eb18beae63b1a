#pragma once

#include <grpcpp/support/server_callback.h>

#include "hotplugger/v1/fleet_service.grpc.pb.h"
#include "server/api/operation_stream.h"
#include "server/fleet/fleet_engine.h"
#include "server/fleet/operation_desk.h"

namespace hotplugger::server {

// Nodes, as the engine answers, and what they are asked to do. All parts must outlive the server.
class FleetService final : public v1::FleetService::CallbackService {
 public:
  FleetService(FleetEngine* engine, NodeRegistry* registry, NodeOperator* nodes,
               OperationCalls* calls)
      : engine_(engine), registry_(registry), nodes_(nodes), calls_(calls) {}

  grpc::ServerUnaryReactor* GetNode(grpc::CallbackServerContext* context,
                                    const v1::GetNodeRequest* request,
                                    v1::GetNodeResponse* response) override;
  grpc::ServerUnaryReactor* ListNodes(grpc::CallbackServerContext* context,
                                      const v1::ListNodesRequest* request,
                                      v1::ListNodesResponse* response) override;
  grpc::ServerUnaryReactor* DeleteNode(grpc::CallbackServerContext* context,
                                       const v1::DeleteNodeRequest* request,
                                       v1::DeleteNodeResponse* response) override;
  grpc::ServerWriteReactor<v1::OperateNodesResponse>* OperateNodes(
      grpc::CallbackServerContext* context, const v1::OperateNodesRequest* request) override;

 private:
  FleetEngine* const engine_;
  NodeRegistry* const registry_;
  NodeOperator* const nodes_;
  OperationCalls* const calls_;
};

}  // namespace hotplugger::server
