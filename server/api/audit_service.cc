#include "server/api/audit_service.h"

#include "server/api/unary.h"

namespace hotplugger::server {

grpc::ServerUnaryReactor* AuditService::ListAuditEntries(grpc::CallbackServerContext* context,
                                                         const v1::ListAuditEntriesRequest* request,
                                                         v1::ListAuditEntriesResponse* response) {
  return AnswerFrom(engine_, &FleetEngine::ListAuditEntries, context, request, response);
}

grpc::ServerWriteReactor<v1::WatchAuditEntriesResponse>* AuditService::WatchAuditEntries(
    grpc::CallbackServerContext* /*context*/, const v1::WatchAuditEntriesRequest* request) {
  return AuditWatch::Start(*request, feed_, &watches_);
}

}  // namespace hotplugger::server
