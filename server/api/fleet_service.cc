#include "server/api/fleet_service.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/node_pattern.h"
#include "common/operation_kind.h"
#include "server/api/unary.h"
#include "server/fleet/operation_run.h"

namespace hotplugger::server {
namespace {

// For the audit log.
std::string ResourceOf(const v1::Selector& selector) {
  const bool one = selector.nodes().size() == 1 && !IsNodePattern(selector.nodes(0)) &&
                   selector.match_labels().empty() && selector.match_expressions().empty();
  return absl::StrCat(
      "nodes/", one ? selector.nodes(0) : absl::StrCat("{", selector.ShortDebugString(), "}"));
}

}  // namespace

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
  entry.set_resource(ResourceOf(request->selector()));
  if (request->has_note()) *entry.mutable_note() = request->note();
  OperationStream::Audit audit;
  if (!OnlyReads(request->operation())) {
    audit = [engine = engine_](v1::AuditEntry kept, absl::AnyInvocable<void(absl::Status)> done) {
      engine->RecordAudit(std::move(kept), std::move(done));
    };
  }
  return OperationStream::Start(PlanOperation(*request, registry_->Snapshot()), nodes_, calls_,
                                std::move(entry), std::move(audit));
}

}  // namespace hotplugger::server
