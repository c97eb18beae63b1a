#include "client/retrying_fleet_client.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/text.h"
#include "common/backoff.h"
#include "common/error_info.h"

namespace hotplugger::client {
namespace {

constexpr Backoff::Options kBackoff = {absl::Milliseconds(200), absl::Seconds(2)};
// Even where the die falls on none at all.
constexpr absl::Duration kShortestPause = absl::Milliseconds(50);

// What is known of the controller since the first call.
struct Contact {
  absl::Time begun;
  // It was there.
  bool made = false;
};

// One call and its repetitions.
class Attempts {
 public:
  Attempts(FleetClient& inner, const RetryOptions& options, Contact* contact)
      : inner_(inner), options_(options), contact_(*contact), begun_(options.clock.Now()) {}

  // Before each one.
  void Begin() {
    // In numbers that can be read: an error tells how long it was waited for.
    inner_.LimitCalls(count_ == 0
                          ? options_.longest
                          : absl::Ceil(options_.longest - Elapsed(), absl::Milliseconds(100)));
    ++count_;
  }

  // Whether the call that ended so is to be made again; then the time to wait is over.
  bool Again(const absl::Status& status) {
    if (!IsUnreached(status)) contact_.made = true;
    if (!IsWorthARetry(status)) return false;
    if (!IsUnreached(status)) taken_ = status;
    const absl::Duration left = Left();
    absl::Duration wait = ErrorRetryDelay(status);
    if (left <= 2 * kShortestPause || wait >= left) return false;
    wait = std::max({wait, std::min(backoff_.Next(), left - kShortestPause), kShortestPause});
    options_.tell(absl::StrCat(Printable(status.message()), "; trying again (",
                               absl::FormatDuration(absl::Trunc(left, absl::Milliseconds(100))),
                               " left)"));
    options_.pause(wait);
    return true;
  }

  // `status`, how the call ended in the end.
  absl::Status Describe(absl::Status status) const {
    if (!IsUnanswered(status)) return status;
    // An earlier one may have been done.
    if (IsUnreached(status) && !taken_.ok()) {
      status = MakeError(absl::StatusCode::kUnavailable, "CONNECTION_LOST",
                         absl::StrCat(taken_.message(), "; then: ", status.message()));
    }
    if (count_ > 1) {
      status = AndAlso(
          status,
          absl::StrCat(" (tried ", count_, " times in ",
                       absl::FormatDuration(absl::Trunc(Elapsed(), absl::Milliseconds(100))), ")"));
    }
    return status;
  }

 private:
  absl::Duration Elapsed() const { return options_.clock.Now() - begun_; }

  absl::Duration Left() const {
    const absl::Duration left = options_.longest - Elapsed();
    if (contact_.made) return left;
    return std::min(left, options_.longest_unreached - (options_.clock.Now() - contact_.begun));
  }

  FleetClient& inner_;
  const RetryOptions& options_;
  Contact& contact_;
  const absl::Time begun_;
  Backoff backoff_{kBackoff};
  int count_ = 0;
  // How the last one ended that somebody got; ok: none.
  absl::Status taken_;
};

class RetryingFleetClient final : public FleetClient {
 public:
  RetryingFleetClient(std::unique_ptr<FleetClient> inner, RetryOptions options)
      : inner_(std::move(inner)), options_(std::move(options)) {}

  void LimitCalls(absl::Duration limit) override {
    options_.longest = limit;
    inner_->LimitCalls(limit);
  }

  absl::StatusOr<v1::ApplyPolicyResponse> ApplyPolicy(
      const v1::ApplyPolicyRequest& request) override {
    return Change(&FleetClient::ApplyPolicy, request);
  }
  absl::StatusOr<v1::ListPoliciesResponse> ListPolicies(
      const v1::ListPoliciesRequest& request) override {
    return Ask(&FleetClient::ListPolicies, request);
  }
  absl::StatusOr<v1::GetPolicyResponse> GetPolicy(const v1::GetPolicyRequest& request) override {
    return Ask(&FleetClient::GetPolicy, request);
  }
  absl::StatusOr<v1::ListPolicyRevisionsResponse> ListPolicyRevisions(
      const v1::ListPolicyRevisionsRequest& request) override {
    return Ask(&FleetClient::ListPolicyRevisions, request);
  }
  absl::StatusOr<v1::RollbackPolicyResponse> RollbackPolicy(
      const v1::RollbackPolicyRequest& request) override {
    return Change(&FleetClient::RollbackPolicy, request);
  }
  absl::StatusOr<v1::DeletePolicyResponse> DeletePolicy(
      const v1::DeletePolicyRequest& request) override {
    return Change(&FleetClient::DeletePolicy, request);
  }
  absl::StatusOr<v1::SetHoldResponse> SetHold(const v1::SetHoldRequest& request) override {
    return Change(&FleetClient::SetHold, request);
  }
  absl::StatusOr<v1::ReleaseHoldResponse> ReleaseHold(
      const v1::ReleaseHoldRequest& request) override {
    return Change(&FleetClient::ReleaseHold, request);
  }
  absl::StatusOr<v1::ListHoldsResponse> ListHolds(const v1::ListHoldsRequest& request) override {
    return Ask(&FleetClient::ListHolds, request);
  }
  absl::StatusOr<v1::GetNodeResponse> GetNode(const v1::GetNodeRequest& request) override {
    return Ask(&FleetClient::GetNode, request);
  }
  absl::StatusOr<v1::ListNodesResponse> ListNodes(const v1::ListNodesRequest& request) override {
    return Ask(&FleetClient::ListNodes, request);
  }
  absl::StatusOr<v1::DeleteNodeResponse> DeleteNode(const v1::DeleteNodeRequest& request) override {
    return Change(&FleetClient::DeleteNode, request);
  }
  absl::Status OperateNodes(const v1::OperateNodesRequest& request, const OnNodeAnswer& on_answer,
                            std::stop_token stop) override {
    inner_->LimitCalls(options_.longest);
    return inner_->OperateNodes(request, on_answer, std::move(stop));
  }
  absl::Status PlanChange(const v1::PlanChangeRequest& request, const OnPlanAnswer& on_answer,
                          std::stop_token stop) override {
    Attempts attempts = NewAttempts();
    bool answered = false;
    const auto note_answer = [&](v1::PlanChangeResponse answer) {
      answered = true;
      contact_->made = true;
      on_answer(std::move(answer));
    };
    absl::Status ended;
    do {
      attempts.Begin();
      ended = inner_->PlanChange(request, note_answer, stop);
    } while (!answered && !stop.stop_requested() && attempts.Again(ended));
    return attempts.Describe(ended);
  }
  absl::StatusOr<v1::ExplainSubjectResponse> ExplainSubject(
      const v1::ExplainSubjectRequest& request) override {
    return Ask(&FleetClient::ExplainSubject, request);
  }
  absl::StatusOr<v1::ListAuditEntriesResponse> ListAuditEntries(
      const v1::ListAuditEntriesRequest& request) override {
    return Ask(&FleetClient::ListAuditEntries, request);
  }
  absl::StatusOr<v1::ListEventsResponse> ListEvents(const v1::ListEventsRequest& request) override {
    return Ask(&FleetClient::ListEvents, request);
  }
  absl::Status WatchFleet(const v1::WatchFleetRequest& request, const OnFleetChange& on_change,
                          const WatchEnd& end) override {
    inner_->LimitCalls(options_.longest);
    return inner_->WatchFleet(request, on_change, end);
  }
  absl::Status WatchAuditEntries(const v1::WatchAuditEntriesRequest& request,
                                 const OnAuditEntry& on_entry, const WatchEnd& end) override {
    inner_->LimitCalls(options_.longest);
    return inner_->WatchAuditEntries(request, on_entry, end);
  }
  absl::Status WatchEvents(const v1::WatchEventsRequest& request, const OnEvent& on_event,
                           const WatchEnd& end) override {
    inner_->LimitCalls(options_.longest);
    return inner_->WatchEvents(request, on_event, end);
  }

 private:
  template <typename Request, typename Response>
  using Method = absl::StatusOr<Response> (FleetClient::*)(const Request&);

  template <typename Request, typename Response>
  absl::StatusOr<Response> Ask(Method<Request, Response> method, const Request& request) {
    return Try(method, request);
  }

  // The request is the same each time, and so is its id. One that is only tried has none, and needs
  // none.
  template <typename Request, typename Response>
  absl::StatusOr<Response> Change(Method<Request, Response> method, const Request& request) {
    if (request.request_id().empty() && !request.validate_only()) {
      inner_->LimitCalls(options_.longest);
      return (inner_.get()->*method)(request);
    }
    return Try(method, request);
  }

  template <typename Request, typename Response>
  absl::StatusOr<Response> Try(Method<Request, Response> method, const Request& request) {
    Attempts attempts = NewAttempts();
    while (true) {
      attempts.Begin();
      absl::StatusOr<Response> answer = (inner_.get()->*method)(request);
      if (answer.ok()) {
        contact_->made = true;
        return answer;
      }
      if (!attempts.Again(answer.status())) return attempts.Describe(answer.status());
    }
  }

  Attempts NewAttempts() {
    if (!contact_) contact_ = Contact{options_.clock.Now()};
    return {*inner_, options_, &*contact_};
  }

  const std::unique_ptr<FleetClient> inner_;
  RetryOptions options_;
  // Since the first call that may be tried again.
  std::optional<Contact> contact_;
};

}  // namespace

bool IsWorthARetry(const absl::Status& status) {
  if (!absl::IsUnavailable(status)) return false;
  // Any other reason is about something else that isn't there, e.g. a node.
  const std::string reason = ErrorReason(status);
  return reason.empty() || reason == "UNREACHABLE" || reason == "CONNECTION_LOST" ||
         reason == "WATCH_ENDED" || reason == "SHUTTING_DOWN";
}

bool IsUnreached(const absl::Status& status) { return ErrorReason(status) == "UNREACHABLE"; }

bool IsUnanswered(const absl::Status& status) {
  return IsWorthARetry(status) || ErrorReason(status) == "NO_ANSWER";
}

absl::Status AndAlso(const absl::Status& status, absl::string_view text) {
  absl::Status longer(status.code(), absl::StrCat(status.message(), text));
  status.ForEachPayload([&longer](absl::string_view type, const absl::Cord& payload) {
    longer.SetPayload(type, payload);
  });
  return longer;
}

std::unique_ptr<FleetClient> MakeRetryingFleetClient(std::unique_ptr<FleetClient> inner,
                                                     RetryOptions options) {
  return std::make_unique<RetryingFleetClient>(std::move(inner), std::move(options));
}

}  // namespace hotplugger::client
