#pragma once

#include <grpcpp/support/server_callback.h>

#include "hotplugger/v1/fleet_service.grpc.pb.h"
#include "server/fleet/fleet_engine.h"

namespace hotplugger::server {

// Nodes, as the engine answers. The engine must outlive the server.
class FleetService final : public v1::FleetService::CallbackService {
 public:
  explicit FleetService(FleetEngine* engine) : engine_(engine) {}

  grpc::ServerUnaryReactor* GetNode(grpc::CallbackServerContext* context,
                                    const v1::GetNodeRequest* request,
                                    v1::GetNodeResponse* response) override;
  grpc::ServerUnaryReactor* ListNodes(grpc::CallbackServerContext* context,
                                      const v1::ListNodesRequest* request,
                                      v1::ListNodesResponse* response) override;
  grpc::ServerUnaryReactor* DeleteNode(grpc::CallbackServerContext* context,
                                       const v1::DeleteNodeRequest* request,
                                       v1::DeleteNodeResponse* response) override;

 private:
  FleetEngine* const engine_;
};

}  // namespace hotplugger::server
