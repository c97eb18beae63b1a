#pragma once

#include <grpcpp/support/server_callback.h>

#include "hotplugger/v1/audit_service.grpc.pb.h"
#include "server/fleet/fleet_engine.h"

namespace hotplugger::server {

// The audit log, as the engine answers. The engine must outlive the server.
class AuditService final : public v1::AuditService::CallbackService {
 public:
  explicit AuditService(FleetEngine* engine) : engine_(engine) {}

  grpc::ServerUnaryReactor* ListAuditEntries(grpc::CallbackServerContext* context,
                                             const v1::ListAuditEntriesRequest* request,
                                             v1::ListAuditEntriesResponse* response) override;

 private:
  FleetEngine* const engine_;
};

}  // namespace hotplugger::server
