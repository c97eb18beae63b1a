#include "server/api/fleet_service.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "server/api/unary.h"
#include "server/fleet/operation_run.h"

namespace hotplugger::server {

grpc::ServerUnaryReactor* FleetService::GetNode(grpc::CallbackServerContext* context,
                                                const v1::GetNodeRequest* request,
                                                v1::GetNodeResponse* response) {
  return AnswerFrom(engine_, &FleetEngine::GetNode, context, request, response);
}

grpc::ServerUnaryReactor* FleetService::ListNodes(grpc::CallbackServerContext* context,
                                                  const v1::ListNodesRequest* request,
                                                  v1::ListNodesResponse* response) {
  return AnswerFrom(engine_, &FleetEngine::ListNodes, context, request, response);
}

grpc::ServerUnaryReactor* FleetService::DeleteNode(grpc::CallbackServerContext* context,
                                                   const v1::DeleteNodeRequest* request,
                                                   v1::DeleteNodeResponse* response) {
  return ChangeBy(engine_, &FleetEngine::DeleteNode, context, request, response);
}

grpc::ServerWriteReactor<v1::OperateNodesResponse>* FleetService::OperateNodes(
    grpc::CallbackServerContext* context, const v1::OperateNodesRequest* request) {
  v1::AuditEntry entry;
  entry.set_method("OperateNodes");
  entry.set_peer(context->peer());
  entry.set_resource(absl::StrCat("nodes/{", request->selector().ShortDebugString(), "}"));
  return OperationStream::Start(
      PlanOperation(*request, registry_->Snapshot()), nodes_, calls_, std::move(entry),
      [engine = engine_](v1::AuditEntry kept) { engine->RecordAudit(std::move(kept)); });
}

}  // namespace hotplugger::server
