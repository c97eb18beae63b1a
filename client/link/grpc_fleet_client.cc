#include "client/link/grpc_fleet_client.h"

#include <grpc/support/time.h>
#include <grpcpp/completion_queue.h>
#include <grpcpp/support/async_stream.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/error_info.h"
#include "hotplugger/v1/fleet_service.grpc.pb.h"
#include "hotplugger/v1/policy_service.grpc.pb.h"

namespace hotplugger::client {
namespace {

// What the controller takes for a node where the request doesn't say.
constexpr absl::Duration kDefaultDeadline = absl::Seconds(90);

absl::Duration DeadlineOf(const v1::OperateNodesRequest& request) {
  if (!request.has_deadline()) return kDefaultDeadline;
  return absl::Seconds(request.deadline().seconds()) +
         absl::Nanoseconds(request.deadline().nanos());
}

// One OperateNodes. How long it takes in all only the controller knows; but some node is being
// asked at any time, so that answers come in pauses of at most its deadline. For this thread alone,
// but for Cancel.
class OperationCall {
 public:
  OperationCall(v1::FleetService::Stub& stub, const v1::OperateNodesRequest& request,
                absl::Duration longest_pause)
      : longest_pause_(longest_pause),
        reader_(stub.PrepareAsyncOperateNodes(&context_, request, &events_)) {}
  ~OperationCall() {
    events_.Shutdown();
    void* tag = nullptr;
    bool ok = false;
    while (events_.Next(&tag, &ok)) {
    }
  }
  OperationCall(const OperationCall&) = delete;
  OperationCall& operator=(const OperationCall&) = delete;

  // What failed is told by Finish.
  void Start() {
    reader_->StartCall(nullptr);
    was_sent_ = Await();
  }

  // False: there are no more. REQUIRES: started.
  bool Read(v1::OperateNodesResponse* answer) {
    reader_->Read(answer, nullptr);
    return Await();
  }

  // REQUIRES: Read was false.
  grpc::Status Finish() {
    grpc::Status status;
    reader_->Finish(&status, nullptr);
    Await();
    return status;
  }

  // Safe to call from any thread.
  void Cancel() { context_.TryCancel(); }

  // False: nobody has got the request.
  bool was_sent() const { return was_sent_; }

  // Whether it was ended here, since nothing came for so long.
  bool was_silent() const { return was_silent_; }

 private:
  // Waits for the event of what was begun last; whether that succeeded.
  bool Await() {
    const gpr_timespec until =
        gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                     gpr_time_from_micros(absl::ToInt64Microseconds(longest_pause_), GPR_TIMESPAN));
    void* tag = nullptr;
    bool ok = false;
    if (events_.AsyncNext(&tag, &ok, until) == grpc::CompletionQueue::GOT_EVENT) return ok;
    was_silent_ = true;
    Cancel();
    // The event of a call that is cancelled comes at once, and may yet be an answer.
    events_.Next(&tag, &ok);
    return ok;
  }

  const absl::Duration longest_pause_;
  bool was_sent_ = false;
  bool was_silent_ = false;
  grpc::CompletionQueue events_;
  grpc::ClientContext context_;
  const std::unique_ptr<grpc::ClientAsyncReader<v1::OperateNodesResponse>> reader_;
};

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
      : peer_(std::move(peer)), policy_(channel), fleet_(channel) {}

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
    const absl::Duration deadline = DeadlineOf(request);
    OperationCall call(fleet_, request, deadline + peer_.call_timeout);
    const std::stop_callback cancel(stop, [&call] { call.Cancel(); });
    call.Start();
    v1::OperateNodesResponse answer;
    while (call.Read(&answer)) on_answer(std::move(answer));
    const grpc::Status status = call.Finish();
    if (status.ok()) return absl::OkStatus();
    if (stop.stop_requested()) return Interrupted();
    if (call.was_silent()) return Silence(peer_, deadline);
    absl::Status error = DescribeCallError(status, peer_);
    if (ErrorReason(error) != "UNREACHABLE" || !call.was_sent()) return error;
    return ConnectionLost(peer_, status);
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
