#include "server/api/policy_service.h"

#include "server/api/unary.h"

namespace hotplugger::server {

grpc::ServerUnaryReactor* PolicyService::ApplyPolicy(grpc::CallbackServerContext* context,
                                                     const v1::ApplyPolicyRequest* request,
                                                     v1::ApplyPolicyResponse* response) {
  return ChangeBy(engine_, &FleetEngine::ApplyPolicy, context, request, response);
}

grpc::ServerUnaryReactor* PolicyService::GetPolicy(grpc::CallbackServerContext* context,
                                                   const v1::GetPolicyRequest* request,
                                                   v1::GetPolicyResponse* response) {
  return AnswerFrom(engine_, &FleetEngine::GetPolicy, context, request, response);
}

grpc::ServerUnaryReactor* PolicyService::ListPolicies(grpc::CallbackServerContext* context,
                                                      const v1::ListPoliciesRequest* request,
                                                      v1::ListPoliciesResponse* response) {
  return AnswerFrom(engine_, &FleetEngine::ListPolicies, context, request, response);
}

grpc::ServerUnaryReactor* PolicyService::DeletePolicy(grpc::CallbackServerContext* context,
                                                      const v1::DeletePolicyRequest* request,
                                                      v1::DeletePolicyResponse* response) {
  return ChangeBy(engine_, &FleetEngine::DeletePolicy, context, request, response);
}

grpc::ServerUnaryReactor* PolicyService::SetHold(grpc::CallbackServerContext* context,
                                                 const v1::SetHoldRequest* request,
                                                 v1::SetHoldResponse* response) {
  return ChangeBy(engine_, &FleetEngine::SetHold, context, request, response);
}

grpc::ServerUnaryReactor* PolicyService::ReleaseHold(grpc::CallbackServerContext* context,
                                                     const v1::ReleaseHoldRequest* request,
                                                     v1::ReleaseHoldResponse* response) {
  return ChangeBy(engine_, &FleetEngine::ReleaseHold, context, request, response);
}

grpc::ServerUnaryReactor* PolicyService::ListHolds(grpc::CallbackServerContext* context,
                                                   const v1::ListHoldsRequest* request,
                                                   v1::ListHoldsResponse* response) {
  return AnswerFrom(engine_, &FleetEngine::ListHolds, context, request, response);
}

grpc::ServerUnaryReactor* PolicyService::ListPolicyRevisions(
    grpc::CallbackServerContext* context, const v1::ListPolicyRevisionsRequest* request,
    v1::ListPolicyRevisionsResponse* response) {
  return AnswerFrom(engine_, &FleetEngine::ListPolicyRevisions, context, request, response);
}

grpc::ServerUnaryReactor* PolicyService::RollbackPolicy(grpc::CallbackServerContext* context,
                                                        const v1::RollbackPolicyRequest* request,
                                                        v1::RollbackPolicyResponse* response) {
  return ChangeBy(engine_, &FleetEngine::RollbackPolicy, context, request, response);
}

}  // namespace hotplugger::server
