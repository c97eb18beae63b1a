#include "client/link/grpc_fleet_client.h"

#include <algorithm>
#include <chrono>
#include <functional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/link/stream_call.h"
#include "common/error_info.h"
#include "common/proto_time.h"
#include "hotplugger/v1/audit_service.grpc.pb.h"
#include "hotplugger/v1/event_service.grpc.pb.h"
#include "hotplugger/v1/explain_service.grpc.pb.h"
#include "hotplugger/v1/fleet_service.grpc.pb.h"
#include "hotplugger/v1/plan_service.grpc.pb.h"
#include "hotplugger/v1/policy_service.grpc.pb.h"
#include "hotplugger/v1/watch_service.grpc.pb.h"

namespace hotplugger::client {
namespace {

// What the controller takes for a node where the request doesn't say.
constexpr absl::Duration kOperationDeadline = absl::Seconds(90);
constexpr absl::Duration kPlanDeadline = absl::Seconds(30);

constexpr absl::Duration kReconnectTime = absl::Seconds(1);

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

absl::Status Interrupted() {
  return MakeError(absl::StatusCode::kCancelled, "INTERRUPTED",
                   "interrupted; from now on no further node is asked");
}

class GrpcFleetClient final : public FleetClient {
 public:
  GrpcFleetClient(const std::shared_ptr<grpc::Channel>& channel, Peer peer)
      : channel_(channel),
        peer_(std::move(peer)),
        policy_(channel),
        fleet_(channel),
        plan_(channel),
        explain_(channel),
        audit_(channel),
        events_(channel),
        watch_(channel) {}

  void LimitCalls(absl::Duration limit) override { peer_.call_timeout = limit; }

  absl::StatusOr<v1::ApplyPolicyResponse> ApplyPolicy(
      const v1::ApplyPolicyRequest& request) override {
    return Ask(policy_, &v1::PolicyService::Stub::ApplyPolicy, request);
  }
  absl::StatusOr<v1::ListPoliciesResponse> ListPolicies(
      const v1::ListPoliciesRequest& request) override {
    return Ask(policy_, &v1::PolicyService::Stub::ListPolicies, request);
  }
  absl::StatusOr<v1::GetPolicyResponse> GetPolicy(const v1::GetPolicyRequest& request) override {
    return Ask(policy_, &v1::PolicyService::Stub::GetPolicy, request);
  }
  absl::StatusOr<v1::ListPolicyRevisionsResponse> ListPolicyRevisions(
      const v1::ListPolicyRevisionsRequest& request) override {
    return Ask(policy_, &v1::PolicyService::Stub::ListPolicyRevisions, request);
  }
  absl::StatusOr<v1::RollbackPolicyResponse> RollbackPolicy(
      const v1::RollbackPolicyRequest& request) override {
    return Ask(policy_, &v1::PolicyService::Stub::RollbackPolicy, request);
  }
  absl::StatusOr<v1::DeletePolicyResponse> DeletePolicy(
      const v1::DeletePolicyRequest& request) override {
    return Ask(policy_, &v1::PolicyService::Stub::DeletePolicy, request);
  }
  absl::StatusOr<v1::SetHoldResponse> SetHold(const v1::SetHoldRequest& request) override {
    return Ask(policy_, &v1::PolicyService::Stub::SetHold, request);
  }
  absl::StatusOr<v1::ReleaseHoldResponse> ReleaseHold(
      const v1::ReleaseHoldRequest& request) override {
    return Ask(policy_, &v1::PolicyService::Stub::ReleaseHold, request);
  }
  absl::StatusOr<v1::ListHoldsResponse> ListHolds(const v1::ListHoldsRequest& request) override {
    return Ask(policy_, &v1::PolicyService::Stub::ListHolds, request);
  }
  absl::StatusOr<v1::GetNodeResponse> GetNode(const v1::GetNodeRequest& request) override {
    return Ask(fleet_, &v1::FleetService::Stub::GetNode, request);
  }
  absl::StatusOr<v1::ListNodesResponse> ListNodes(const v1::ListNodesRequest& request) override {
    return Ask(fleet_, &v1::FleetService::Stub::ListNodes, request);
  }
  absl::StatusOr<v1::DeleteNodeResponse> DeleteNode(const v1::DeleteNodeRequest& request) override {
    return Ask(fleet_, &v1::FleetService::Stub::DeleteNode, request);
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
    return Ask(explain_, &v1::ExplainService::Stub::ExplainSubject, request, kHostShare);
  }
  absl::StatusOr<v1::ListAuditEntriesResponse> ListAuditEntries(
      const v1::ListAuditEntriesRequest& request) override {
    return Ask(audit_, &v1::AuditService::Stub::ListAuditEntries, request);
  }
  absl::StatusOr<v1::ListEventsResponse> ListEvents(const v1::ListEventsRequest& request) override {
    return Ask(events_, &v1::EventService::Stub::ListEvents, request);
  }
  absl::Status WatchFleet(const v1::WatchFleetRequest& request, const OnFleetChange& on_change,
                          const WatchEnd& end) override {
    const auto prepare = [&](grpc::ClientContext* context, grpc::CompletionQueue* events) {
      return watch_.PrepareAsyncWatchFleet(context, request, events);
    };
    return Watch<v1::WatchFleetResponse>(prepare, on_change, /*answered_at_once=*/true, end);
  }
  absl::Status WatchAuditEntries(const v1::WatchAuditEntriesRequest& request,
                                 const OnAuditEntry& on_entry, const WatchEnd& end) override {
    const auto prepare = [&](grpc::ClientContext* context, grpc::CompletionQueue* events) {
      return audit_.PrepareAsyncWatchAuditEntries(context, request, events);
    };
    return Watch<v1::WatchAuditEntriesResponse>(prepare, on_entry, /*answered_at_once=*/false, end);
  }
  absl::Status WatchEvents(const v1::WatchEventsRequest& request, const OnEvent& on_event,
                           const WatchEnd& end) override {
    const auto prepare = [&](grpc::ClientContext* context, grpc::CompletionQueue* events) {
      return events_.PrepareAsyncWatchEvents(context, request, events);
    };
    return Watch<v1::WatchEventsResponse>(prepare, on_event, /*answered_at_once=*/false, end);
  }

 private:
  // `more`: what it may take longer than other calls.
  template <typename Stub, typename Request, typename Response>
  absl::StatusOr<Response> Ask(Stub& stub,
                               grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                                            Response*),
                               const Request& request, absl::Duration more = absl::ZeroDuration()) {
    Peer peer = Reached();
    peer.call_timeout += more;
    return Call(stub, method, request, peer, [&](const grpc::Status& status) {
      return DescribeCallError(status, peer, WasSent());
    });
  }

  // Whether the call that has just failed was sent. Where it was, and the connection is no more,
  // the channel idles until the next one; a channel that tries to connect never had a connection.
  bool WasSent() const {
    const grpc_connectivity_state state = channel_->GetState(/*try_to_connect=*/false);
    return state == GRPC_CHANNEL_READY || state == GRPC_CHANNEL_IDLE;
  }

  // How long it takes in all only the controller knows; but some node is being asked at any time,
  // so that answers come in pauses of at most `deadline`.
  template <typename Response, typename Prepare>
  absl::Status ReadAll(const Prepare& prepare, absl::Duration deadline,
                       const std::function<void(Response)>& on_answer, std::stop_token stop) {
    StreamCall<Response> call(prepare, Reached().call_timeout);
    const std::stop_callback cancel(stop, [&call] { call.Cancel(); });
    call.Start();
    const bool was_taken = !call.was_silent();
    call.set_longest_pause(deadline + peer_.call_timeout);
    for (Response answer; call.Read(&answer); answer = Response()) on_answer(std::move(answer));
    const grpc::Status status = call.Finish();
    if (status.ok()) return absl::OkStatus();
    if (stop.stop_requested()) return Interrupted();
    if (!was_taken) return NotTaken(peer_);
    if (call.was_silent()) return Silence(peer_, deadline);
    return DescribeCallError(status, peer_, call.was_sent());
  }

  // Of a watch that isn't answered at once, only keep-alive tells whether anybody is there still.
  template <typename Response, typename Prepare>
  absl::Status Watch(const Prepare& prepare, const std::function<bool(Response)>& on_answer,
                     bool answered_at_once, const WatchEnd& end) {
    StreamCall<Response> call(prepare, Reached().call_timeout, end.longest);
    const std::stop_callback cancel(end.stop, [&call] { call.Cancel(); });
    call.Start();
    const bool was_taken = !call.was_silent();
    if (call.was_sent() && !answered_at_once) call.set_longest_pause(absl::InfiniteDuration());
    for (Response answer; call.Read(&answer); answer = Response()) {
      call.set_longest_pause(absl::InfiniteDuration());
      if (on_answer(std::move(answer))) continue;
      call.Cancel();
      call.Finish();
      return absl::OkStatus();
    }
    const grpc::Status status = call.Finish();
    if (call.is_over()) return absl::OkStatus();
    if (end.stop.stop_requested()) {
      return MakeError(absl::StatusCode::kCancelled, "INTERRUPTED", "interrupted");
    }
    if (!was_taken) return NotTaken(peer_);
    if (call.was_silent()) {
      return DescribeCallError(grpc::Status(grpc::StatusCode::DEADLINE_EXCEEDED, ""), peer_);
    }
    if (!status.ok()) return DescribeCallError(status, peer_, call.was_sent());
    return MakeError(absl::StatusCode::kUnavailable, "WATCH_ENDED",
                     absl::StrCat(peer_.who, " at ", peer_.address, " ended the watch"));
  }

  // Where the channel has failed to connect, a call fails at once until it has, and only who waits
  // for it moves it on: so much of a call's time is for that.
  Peer Reached() {
    if (channel_->GetState(/*try_to_connect=*/false) != GRPC_CHANNEL_TRANSIENT_FAILURE)
      return peer_;
    const auto begun = std::chrono::steady_clock::now();
    channel_->WaitForConnected(
        std::chrono::system_clock::now() +
        absl::ToChronoMicroseconds(std::min(peer_.call_timeout / 2, kReconnectTime)));
    Peer rest = peer_;
    rest.call_timeout -= absl::FromChrono(std::chrono::steady_clock::now() - begun);
    return rest;
  }

  const std::shared_ptr<grpc::Channel> channel_;
  Peer peer_;
  v1::PolicyService::Stub policy_;
  v1::FleetService::Stub fleet_;
  v1::PlanService::Stub plan_;
  v1::ExplainService::Stub explain_;
  v1::AuditService::Stub audit_;
  v1::EventService::Stub events_;
  v1::WatchService::Stub watch_;
};

}  // namespace

std::unique_ptr<FleetClient> MakeGrpcFleetClient(const std::shared_ptr<grpc::Channel>& channel,
                                                 Peer peer) {
  return std::make_unique<GrpcFleetClient>(channel, std::move(peer));
}

}  // namespace hotplugger::client
