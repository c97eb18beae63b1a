#pragma once

#include <grpcpp/support/server_callback.h>

#include "hotplugger/v1/audit_service.grpc.pb.h"
#include "server/api/audit_watch.h"
#include "server/fleet/fleet_engine.h"

namespace hotplugger::server {

// The audit log, as the engine answers, and what is written to it. All parts must outlive the
// server.
class AuditService final : public v1::AuditService::CallbackService {
 public:
  AuditService(FleetEngine* engine, AuditFeed* feed) : engine_(engine), feed_(feed) {}

  grpc::ServerUnaryReactor* ListAuditEntries(grpc::CallbackServerContext* context,
                                             const v1::ListAuditEntriesRequest* request,
                                             v1::ListAuditEntriesResponse* response) override;
  grpc::ServerWriteReactor<v1::WatchAuditEntriesResponse>* WatchAuditEntries(
      grpc::CallbackServerContext* context, const v1::WatchAuditEntriesRequest* request) override;

  // Ends all watches, and lets no further one begin.
  void CloseAll(const absl::Status& status) { watches_.CloseAll(status); }

 private:
  FleetEngine* const engine_;
  AuditFeed* const feed_;
  Watches watches_{"the audit log"};
};

}  // namespace hotplugger::server
