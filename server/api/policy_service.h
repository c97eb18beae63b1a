#pragma once

#include <grpcpp/support/server_callback.h>

#include "hotplugger/v1/policy_service.grpc.pb.h"
#include "server/fleet/fleet_engine.h"

namespace hotplugger::server {

// Policies and holds, as the engine answers. The engine must outlive the server.
class PolicyService final : public v1::PolicyService::CallbackService {
 public:
  explicit PolicyService(FleetEngine* engine) : engine_(engine) {}

  grpc::ServerUnaryReactor* ApplyPolicy(grpc::CallbackServerContext* context,
                                        const v1::ApplyPolicyRequest* request,
                                        v1::ApplyPolicyResponse* response) override;
  grpc::ServerUnaryReactor* GetPolicy(grpc::CallbackServerContext* context,
                                      const v1::GetPolicyRequest* request,
                                      v1::GetPolicyResponse* response) override;
  grpc::ServerUnaryReactor* ListPolicies(grpc::CallbackServerContext* context,
                                         const v1::ListPoliciesRequest* request,
                                         v1::ListPoliciesResponse* response) override;
  grpc::ServerUnaryReactor* ListPolicyRevisions(grpc::CallbackServerContext* context,
                                                const v1::ListPolicyRevisionsRequest* request,
                                                v1::ListPolicyRevisionsResponse* response) override;
  grpc::ServerUnaryReactor* RollbackPolicy(grpc::CallbackServerContext* context,
                                           const v1::RollbackPolicyRequest* request,
                                           v1::RollbackPolicyResponse* response) override;
  grpc::ServerUnaryReactor* DeletePolicy(grpc::CallbackServerContext* context,
                                         const v1::DeletePolicyRequest* request,
                                         v1::DeletePolicyResponse* response) override;
  grpc::ServerUnaryReactor* SetHold(grpc::CallbackServerContext* context,
                                    const v1::SetHoldRequest* request,
                                    v1::SetHoldResponse* response) override;
  grpc::ServerUnaryReactor* ReleaseHold(grpc::CallbackServerContext* context,
                                        const v1::ReleaseHoldRequest* request,
                                        v1::ReleaseHoldResponse* response) override;
  grpc::ServerUnaryReactor* ListHolds(grpc::CallbackServerContext* context,
                                      const v1::ListHoldsRequest* request,
                                      v1::ListHoldsResponse* response) override;

 private:
  FleetEngine* const engine_;
};

}  // namespace hotplugger::server
