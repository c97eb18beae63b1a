#include "client/link/grpc_fleet_client.h"

#include <utility>

#include "hotplugger/v1/fleet_service.grpc.pb.h"
#include "hotplugger/v1/policy_service.grpc.pb.h"

namespace hotplugger::client {
namespace {

// Of a fleet, some nodes at once, each with its own deadline; how long that takes in all only the
// controller knows.
constexpr absl::Duration kLongestOperation = absl::Hours(12);

class GrpcFleetClient final : public FleetClient {
 public:
  GrpcFleetClient(const std::shared_ptr<grpc::Channel>& channel, Peer peer)
      : peer_(std::move(peer)), policy_(channel), fleet_(channel) {}

  absl::StatusOr<v1::ApplyPolicyResponse> ApplyPolicy(
      const v1::ApplyPolicyRequest& request) override {
    return Call(policy_, &v1::PolicyService::Stub::ApplyPolicy, request, peer_);
  }
  absl::StatusOr<v1::ListPoliciesResponse> ListPolicies(
      const v1::ListPoliciesRequest& request) override {
    return Call(policy_, &v1::PolicyService::Stub::ListPolicies, request, peer_);
  }
  absl::StatusOr<v1::DeletePolicyResponse> DeletePolicy(
      const v1::DeletePolicyRequest& request) override {
    return Call(policy_, &v1::PolicyService::Stub::DeletePolicy, request, peer_);
  }
  absl::StatusOr<v1::SetHoldResponse> SetHold(const v1::SetHoldRequest& request) override {
    return Call(policy_, &v1::PolicyService::Stub::SetHold, request, peer_);
  }
  absl::StatusOr<v1::ReleaseHoldResponse> ReleaseHold(
      const v1::ReleaseHoldRequest& request) override {
    return Call(policy_, &v1::PolicyService::Stub::ReleaseHold, request, peer_);
  }
  absl::StatusOr<v1::ListHoldsResponse> ListHolds(const v1::ListHoldsRequest& request) override {
    return Call(policy_, &v1::PolicyService::Stub::ListHolds, request, peer_);
  }
  absl::StatusOr<v1::GetNodeResponse> GetNode(const v1::GetNodeRequest& request) override {
    return Call(fleet_, &v1::FleetService::Stub::GetNode, request, peer_);
  }
  absl::StatusOr<v1::ListNodesResponse> ListNodes(const v1::ListNodesRequest& request) override {
    return Call(fleet_, &v1::FleetService::Stub::ListNodes, request, peer_);
  }
  absl::StatusOr<v1::DeleteNodeResponse> DeleteNode(const v1::DeleteNodeRequest& request) override {
    return Call(fleet_, &v1::FleetService::Stub::DeleteNode, request, peer_);
  }
  absl::Status OperateNodes(const v1::OperateNodesRequest& request,
                            const OnNodeAnswer& on_answer) override {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() +
                         absl::ToChronoMicroseconds(kLongestOperation));
    const auto reader = fleet_.OperateNodes(&context, request);
    v1::OperateNodesResponse answer;
    while (reader->Read(&answer)) on_answer(std::move(answer));
    const grpc::Status status = reader->Finish();
    return status.ok() ? absl::OkStatus() : DescribeCallError(status, peer_);
  }

 private:
  const Peer peer_;
  v1::PolicyService::Stub policy_;
  v1::FleetService::Stub fleet_;
};

}  // namespace

std::unique_ptr<FleetClient> MakeGrpcFleetClient(const std::shared_ptr<grpc::Channel>& channel,
                                                 Peer peer) {
  return std::make_unique<GrpcFleetClient>(channel, std::move(peer));
}

}  // namespace hotplugger::client
