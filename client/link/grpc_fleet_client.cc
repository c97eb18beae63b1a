#include "client/link/grpc_fleet_client.h"

#include <functional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/link/stream_call.h"
#include "common/error_info.h"
#include "common/proto_time.h"
#include "hotplugger/v1/audit_service.grpc.pb.h"
#include "hotplugger/v1/explain_service.grpc.pb.h"
#include "hotplugger/v1/fleet_service.grpc.pb.h"
#include "hotplugger/v1/plan_service.grpc.pb.h"
#include "hotplugger/v1/policy_service.grpc.pb.h"

namespace hotplugger::client {
namespace {

// What the controller takes for a node where the request doesn't say.
constexpr absl::Duration kOperationDeadline = absl::Seconds(90);
constexpr absl::Duration kPlanDeadline = absl::Seconds(30);

// What the controller itself waits for the host that it explains.
constexpr absl::Duration kHostShare = absl::Seconds(10);

template <typename Request>
absl::Duration DeadlineOf(const Request& request, absl::Duration where_absent) {
  return request.has_deadline() ? ToDuration(request.deadline()) : where_absent;
}

absl::Status Silence(const Peer& peer, absl::Duration deadline) {
  return MakeError(
      absl::StatusCode::kDeadlineExceeded, "NO_ANSWER",
      absl::StrCat(peer.who, " at ", peer.address, " gave no node's answer for ",
                   absl::FormatDuration(deadline + peer.call_timeout), " (--deadline ",
                   absl::FormatDuration(deadline), " and --timeout ",
                   absl::FormatDuration(peer.call_timeout),
                   "), by when one must have answered; it hangs or has too much to do: look at its "
                   "log, or wait longer with --timeout"),
      {{"address", peer.address}});
}

absl::Status ConnectionLost(const Peer& peer, const grpc::Status& status) {
  return MakeError(absl::StatusCode::kUnavailable, "CONNECTION_LOST",
                   absl::StrCat("the connection to ", peer.who, " at ", peer.address,
                                " broke: ", status.error_message(), "; ", peer.fix),
                   {{"address", peer.address}});
}

absl::Status Interrupted() {
  return MakeError(absl::StatusCode::kCancelled, "INTERRUPTED",
                   "interrupted; from now on no further node is asked");
}

class GrpcFleetClient final : public FleetClient {
 public:
  GrpcFleetClient(const std::shared_ptr<grpc::Channel>& channel, Peer peer)
      : peer_(std::move(peer)),
        policy_(channel),
        fleet_(channel),
        plan_(channel),
        explain_(channel),
        audit_(channel) {}

  absl::StatusOr<v1::ApplyPolicyResponse> ApplyPolicy(
      const v1::ApplyPolicyRequest& request) override {
    return Call(policy_, &v1::PolicyService::Stub::ApplyPolicy, request, peer_);
  }
  absl::StatusOr<v1::ListPoliciesResponse> ListPolicies(
      const v1::ListPoliciesRequest& request) override {
    return Call(policy_, &v1::PolicyService::Stub::ListPolicies, request, peer_);
  }
  absl::StatusOr<v1::GetPolicyResponse> GetPolicy(const v1::GetPolicyRequest& request) override {
    return Call(policy_, &v1::PolicyService::Stub::GetPolicy, request, peer_);
  }
  absl::StatusOr<v1::ListPolicyRevisionsResponse> ListPolicyRevisions(
      const v1::ListPolicyRevisionsRequest& request) override {
    return Call(policy_, &v1::PolicyService::Stub::ListPolicyRevisions, request, peer_);
  }
  absl::StatusOr<v1::RollbackPolicyResponse> RollbackPolicy(
      const v1::RollbackPolicyRequest& request) override {
    return Call(policy_, &v1::PolicyService::Stub::RollbackPolicy, request, peer_);
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
  absl::Status OperateNodes(const v1::OperateNodesRequest& request, const OnNodeAnswer& on_answer,
                            std::stop_token stop) override {
    const auto prepare = [&](grpc::ClientContext* context, grpc::CompletionQueue* events) {
      return fleet_.PrepareAsyncOperateNodes(context, request, events);
    };
    return ReadAll<v1::OperateNodesResponse>(prepare, DeadlineOf(request, kOperationDeadline),
                                             on_answer, std::move(stop));
  }
  absl::Status PlanChange(const v1::PlanChangeRequest& request, const OnPlanAnswer& on_answer,
                          std::stop_token stop) override {
    const auto prepare = [&](grpc::ClientContext* context, grpc::CompletionQueue* events) {
      return plan_.PrepareAsyncPlanChange(context, request, events);
    };
    return ReadAll<v1::PlanChangeResponse>(prepare, DeadlineOf(request, kPlanDeadline), on_answer,
                                           std::move(stop));
  }
  absl::StatusOr<v1::ExplainSubjectResponse> ExplainSubject(
      const v1::ExplainSubjectRequest& request) override {
    Peer patient = peer_;
    patient.call_timeout += kHostShare;
    return Call(explain_, &v1::ExplainService::Stub::ExplainSubject, request, patient);
  }
  absl::StatusOr<v1::ListAuditEntriesResponse> ListAuditEntries(
      const v1::ListAuditEntriesRequest& request) override {
    return Call(audit_, &v1::AuditService::Stub::ListAuditEntries, request, peer_);
  }

 private:
  // How long it takes in all only the controller knows; but some node is being asked at any time,
  // so that answers come in pauses of at most `deadline`.
  template <typename Response, typename Prepare>
  absl::Status ReadAll(const Prepare& prepare, absl::Duration deadline,
                       const std::function<void(Response)>& on_answer, std::stop_token stop) {
    StreamCall<Response> call(prepare, deadline + peer_.call_timeout);
    const std::stop_callback cancel(stop, [&call] { call.Cancel(); });
    call.Start();
    for (Response answer; call.Read(&answer); answer = Response()) on_answer(std::move(answer));
    const grpc::Status status = call.Finish();
    if (status.ok()) return absl::OkStatus();
    if (stop.stop_requested()) return Interrupted();
    if (call.was_silent()) return Silence(peer_, deadline);
    absl::Status error = DescribeCallError(status, peer_);
    if (ErrorReason(error) != "UNREACHABLE" || !call.was_sent()) return error;
    return ConnectionLost(peer_, status);
  }

  const Peer peer_;
  v1::PolicyService::Stub policy_;
  v1::FleetService::Stub fleet_;
  v1::PlanService::Stub plan_;
  v1::ExplainService::Stub explain_;
  v1::AuditService::Stub audit_;
};

}  // namespace

std::unique_ptr<FleetClient> MakeGrpcFleetClient(const std::shared_ptr<grpc::Channel>& channel,
                                                 Peer peer) {
  return std::make_unique<GrpcFleetClient>(channel, std::move(peer));
}

}  // namespace hotplugger::client
