// Clients that answer what a test put in, and keep what they were asked.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <stop_token>
#include <utility>
#include <vector>

#include "client/connector.h"
#include "client/fleet_client.h"
#include "client/host_client.h"
#include "common/error_info.h"

namespace hotplugger::client {

// One call: its answers in turn, of which the last one stays.
template <typename Request, typename Response>
class FakeCall {
 public:
  void Answer(absl::StatusOr<Response> answer) { answers_.push_back(std::move(answer)); }

  absl::StatusOr<Response> operator()(const Request& request) {
    requests.push_back(request);
    if (answers_.empty()) {
      return MakeError(absl::StatusCode::kUnimplemented, "NO_ANSWER", "the test gave no answer");
    }
    absl::StatusOr<Response> answer = answers_.front();
    if (answers_.size() > 1) answers_.pop_front();
    return answer;
  }

  std::vector<Request> requests;

 private:
  std::deque<absl::StatusOr<Response>> answers_;
};

// A watch of the fleet's: each call has its answers and ends its own way. Where there are no more,
// the test may interrupt; else time is over.
template <typename Request, typename Response>
class FakeFleetWatch {
 public:
  // One call; by default the connection breaks after the answers.
  void Call(std::vector<Response> answers,
            absl::Status end = MakeError(absl::StatusCode::kUnavailable, "CONNECTION_LOST",
                                         "the connection broke")) {
    calls_.push_back({std::move(answers), std::move(end)});
  }

  absl::Status operator()(const Request& request, const std::function<bool(Response)>& on_answer,
                          const FleetClient::WatchEnd& end) {
    requests.push_back(request);
    ends.push_back(end.longest);
    if (end.stop.stop_requested()) return Interrupted();
    if (calls_.empty()) {
      after_last();
      return end.stop.stop_requested() ? Interrupted() : absl::OkStatus();
    }
    const auto [answers, status] = std::move(calls_.front());
    calls_.pop_front();
    for (const Response& answer : answers) {
      if (!on_answer(answer)) return absl::OkStatus();
    }
    return status;
  }

  std::vector<Request> requests;
  std::vector<absl::Duration> ends;
  std::function<void()> after_last = [] {};

 private:
  static absl::Status Interrupted() {
    return MakeError(absl::StatusCode::kCancelled, "INTERRUPTED", "interrupted");
  }

  std::deque<std::pair<std::vector<Response>, absl::Status>> calls_;
};

// What stands behind every FakeFleetClient.
struct FakeFleet {
  FakeCall<v1::ApplyPolicyRequest, v1::ApplyPolicyResponse> apply_policy;
  FakeCall<v1::ListPoliciesRequest, v1::ListPoliciesResponse> list_policies;
  FakeCall<v1::GetPolicyRequest, v1::GetPolicyResponse> get_policy;
  FakeCall<v1::ListPolicyRevisionsRequest, v1::ListPolicyRevisionsResponse> list_policy_revisions;
  FakeCall<v1::RollbackPolicyRequest, v1::RollbackPolicyResponse> rollback_policy;
  FakeCall<v1::DeletePolicyRequest, v1::DeletePolicyResponse> delete_policy;
  FakeCall<v1::SetHoldRequest, v1::SetHoldResponse> set_hold;
  FakeCall<v1::ReleaseHoldRequest, v1::ReleaseHoldResponse> release_hold;
  FakeCall<v1::ListHoldsRequest, v1::ListHoldsResponse> list_holds;
  FakeCall<v1::GetNodeRequest, v1::GetNodeResponse> get_node;
  FakeCall<v1::ListNodesRequest, v1::ListNodesResponse> list_nodes;
  FakeCall<v1::DeleteNodeRequest, v1::DeleteNodeResponse> delete_node;
  // Each node's answer to OperateNodes, and how that ends.
  std::vector<v1::OperateNodesResponse> node_answers;
  absl::Status operation_end;
  // Where a test interrupts.
  std::function<void()> after_last_answer = [] {};
  std::vector<v1::OperateNodesRequest> operations;
  // The same for PlanChange: the answers to each plan in turn, and how all end.
  std::deque<std::vector<v1::PlanChangeResponse>> plan_answers;
  absl::Status plan_end;
  std::vector<v1::PlanChangeRequest> plans;
  FakeCall<v1::ExplainSubjectRequest, v1::ExplainSubjectResponse> explain_subject;
  FakeCall<v1::ListAuditEntriesRequest, v1::ListAuditEntriesResponse> list_audit_entries;
  FakeCall<v1::ListEventsRequest, v1::ListEventsResponse> list_events;
  FakeFleetWatch<v1::WatchFleetRequest, v1::WatchFleetResponse> watch_fleet;
  FakeFleetWatch<v1::WatchAuditEntriesRequest, v1::WatchAuditEntriesResponse> watch_audit_entries;
  FakeFleetWatch<v1::WatchEventsRequest, v1::WatchEventsResponse> watch_events;
  // What calls were limited to.
  std::vector<absl::Duration> limits;
};

class FakeFleetClient final : public FleetClient {
 public:
  explicit FakeFleetClient(FakeFleet* fleet) : fleet_(*fleet) {}

  void LimitCalls(absl::Duration limit) override { fleet_.limits.push_back(limit); }
  absl::StatusOr<v1::ApplyPolicyResponse> ApplyPolicy(const v1::ApplyPolicyRequest& r) override {
    return fleet_.apply_policy(r);
  }
  absl::StatusOr<v1::ListPoliciesResponse> ListPolicies(const v1::ListPoliciesRequest& r) override {
    return fleet_.list_policies(r);
  }
  absl::StatusOr<v1::GetPolicyResponse> GetPolicy(const v1::GetPolicyRequest& r) override {
    return fleet_.get_policy(r);
  }
  absl::StatusOr<v1::ListPolicyRevisionsResponse> ListPolicyRevisions(
      const v1::ListPolicyRevisionsRequest& r) override {
    return fleet_.list_policy_revisions(r);
  }
  absl::StatusOr<v1::RollbackPolicyResponse> RollbackPolicy(
      const v1::RollbackPolicyRequest& r) override {
    return fleet_.rollback_policy(r);
  }
  absl::StatusOr<v1::DeletePolicyResponse> DeletePolicy(const v1::DeletePolicyRequest& r) override {
    return fleet_.delete_policy(r);
  }
  absl::StatusOr<v1::SetHoldResponse> SetHold(const v1::SetHoldRequest& r) override {
    return fleet_.set_hold(r);
  }
  absl::StatusOr<v1::ReleaseHoldResponse> ReleaseHold(const v1::ReleaseHoldRequest& r) override {
    return fleet_.release_hold(r);
  }
  absl::StatusOr<v1::ListHoldsResponse> ListHolds(const v1::ListHoldsRequest& r) override {
    return fleet_.list_holds(r);
  }
  absl::StatusOr<v1::GetNodeResponse> GetNode(const v1::GetNodeRequest& r) override {
    return fleet_.get_node(r);
  }
  absl::StatusOr<v1::ListNodesResponse> ListNodes(const v1::ListNodesRequest& r) override {
    return fleet_.list_nodes(r);
  }
  absl::StatusOr<v1::DeleteNodeResponse> DeleteNode(const v1::DeleteNodeRequest& r) override {
    return fleet_.delete_node(r);
  }
  absl::Status OperateNodes(const v1::OperateNodesRequest& r, const OnNodeAnswer& on_answer,
                            std::stop_token stop) override {
    fleet_.operations.push_back(r);
    for (const v1::OperateNodesResponse& answer : fleet_.node_answers) on_answer(answer);
    fleet_.after_last_answer();
    if (stop.stop_requested()) {
      return MakeError(absl::StatusCode::kCancelled, "INTERRUPTED", "interrupted");
    }
    return fleet_.operation_end;
  }
  absl::Status PlanChange(const v1::PlanChangeRequest& r, const OnPlanAnswer& on_answer,
                          std::stop_token stop) override {
    fleet_.plans.push_back(r);
    if (!fleet_.plan_answers.empty()) {
      for (const v1::PlanChangeResponse& answer : fleet_.plan_answers.front()) on_answer(answer);
      fleet_.plan_answers.pop_front();
    }
    fleet_.after_last_answer();
    if (stop.stop_requested()) {
      return MakeError(absl::StatusCode::kCancelled, "INTERRUPTED", "interrupted");
    }
    return fleet_.plan_end;
  }
  absl::StatusOr<v1::ExplainSubjectResponse> ExplainSubject(
      const v1::ExplainSubjectRequest& r) override {
    return fleet_.explain_subject(r);
  }
  absl::StatusOr<v1::ListAuditEntriesResponse> ListAuditEntries(
      const v1::ListAuditEntriesRequest& r) override {
    return fleet_.list_audit_entries(r);
  }
  absl::StatusOr<v1::ListEventsResponse> ListEvents(const v1::ListEventsRequest& r) override {
    return fleet_.list_events(r);
  }
  absl::Status WatchFleet(const v1::WatchFleetRequest& r, const OnFleetChange& on_change,
                          const WatchEnd& end) override {
    return fleet_.watch_fleet(r, on_change, end);
  }
  absl::Status WatchAuditEntries(const v1::WatchAuditEntriesRequest& r,
                                 const OnAuditEntry& on_entry, const WatchEnd& end) override {
    return fleet_.watch_audit_entries(r, on_entry, end);
  }
  absl::Status WatchEvents(const v1::WatchEventsRequest& r, const OnEvent& on_event,
                           const WatchEnd& end) override {
    return fleet_.watch_events(r, on_event, end);
  }

 private:
  FakeFleet& fleet_;
};

// A watch: its answers in turn, then what comes after the last.
class FakeWatch {
 public:
  absl::Status operator()(const v1::WatchDevicesRequest& request,
                          const HostClient::OnDevices& on_devices, const std::stop_token& stop) {
    requests.push_back(request);
    for (const v1::WatchDevicesResponse& answer : answers) {
      if (stop.stop_requested()) return absl::OkStatus();
      ++told;
      if (!on_devices(answer)) return absl::OkStatus();
    }
    after_last();
    if (stop.stop_requested()) return absl::OkStatus();
    return MakeError(absl::StatusCode::kUnavailable, "WATCH_ENDED", "the agent ended the watch");
  }

  std::vector<v1::WatchDevicesRequest> requests;
  std::vector<v1::WatchDevicesResponse> answers;
  // Where a test interrupts; else the agent ends the watch then.
  std::function<void()> after_last = [] {};
  // So many answers were given.
  int told = 0;
};

// What stands behind every FakeHostClient.
struct FakeHost {
  FakeCall<v1::ListDevicesRequest, v1::ListDevicesResponse> list_devices;
  FakeCall<v1::GetDeviceRequest, v1::Device> get_device;
  FakeCall<v1::OfflineDevicesRequest, v1::OfflineDevicesResponse> offline_devices;
  FakeCall<v1::OnlineDevicesRequest, v1::OnlineDevicesResponse> online_devices;
  FakeCall<v1::SetSmtRequest, v1::SetSmtResponse> set_smt;
  FakeCall<v1::PlanDevicesRequest, v1::PlanDevicesResponse> plan_devices;
  FakeCall<v1::ExplainDeviceRequest, v1::ExplainDeviceResponse> explain_device;
  FakeWatch watch_devices;
  FakeCall<v1::ListDriversRequest, v1::ListDriversResponse> list_drivers;
  FakeCall<v1::EnableDriverRequest, v1::EnableDriverResponse> enable_driver;
  FakeCall<v1::DisableDriverRequest, v1::DisableDriverResponse> disable_driver;
  FakeCall<v1::SwitchDriversRequest, v1::SwitchDriversResponse> switch_drivers;
  FakeCall<v1::RegisterDriverRequest, v1::RegisterDriverResponse> register_driver;
  FakeCall<v1::UnregisterDriverRequest, v1::UnregisterDriverResponse> unregister_driver;
  FakeCall<v1::ListConflictingActorsRequest, v1::ListConflictingActorsResponse>
      list_conflicting_actors;
  FakeCall<v1::SetSwitchingRequest, v1::SetSwitchingResponse> set_switching;
};

class FakeHostClient final : public HostClient {
 public:
  explicit FakeHostClient(FakeHost* host) : host_(*host) {}

  absl::StatusOr<v1::ListDevicesResponse> ListDevices(const v1::ListDevicesRequest& r) override {
    return host_.list_devices(r);
  }
  absl::StatusOr<v1::Device> GetDevice(const v1::GetDeviceRequest& r) override {
    return host_.get_device(r);
  }
  absl::StatusOr<v1::OfflineDevicesResponse> OfflineDevices(
      const v1::OfflineDevicesRequest& r) override {
    return host_.offline_devices(r);
  }
  absl::StatusOr<v1::OnlineDevicesResponse> OnlineDevices(
      const v1::OnlineDevicesRequest& r) override {
    return host_.online_devices(r);
  }
  absl::StatusOr<v1::SetSmtResponse> SetSmt(const v1::SetSmtRequest& r) override {
    return host_.set_smt(r);
  }
  absl::StatusOr<v1::PlanDevicesResponse> PlanDevices(const v1::PlanDevicesRequest& r) override {
    return host_.plan_devices(r);
  }
  absl::StatusOr<v1::ExplainDeviceResponse> ExplainDevice(
      const v1::ExplainDeviceRequest& r) override {
    return host_.explain_device(r);
  }
  absl::Status WatchDevices(const v1::WatchDevicesRequest& r, const OnDevices& on_devices,
                            std::stop_token stop) override {
    return host_.watch_devices(r, on_devices, stop);
  }
  absl::StatusOr<v1::ListDriversResponse> ListDrivers(const v1::ListDriversRequest& r) override {
    return host_.list_drivers(r);
  }
  absl::StatusOr<v1::EnableDriverResponse> EnableDriver(const v1::EnableDriverRequest& r) override {
    return host_.enable_driver(r);
  }
  absl::StatusOr<v1::DisableDriverResponse> DisableDriver(
      const v1::DisableDriverRequest& r) override {
    return host_.disable_driver(r);
  }
  absl::StatusOr<v1::SwitchDriversResponse> SwitchDrivers(
      const v1::SwitchDriversRequest& r) override {
    return host_.switch_drivers(r);
  }
  absl::StatusOr<v1::RegisterDriverResponse> RegisterDriver(
      const v1::RegisterDriverRequest& r) override {
    return host_.register_driver(r);
  }
  absl::StatusOr<v1::UnregisterDriverResponse> UnregisterDriver(
      const v1::UnregisterDriverRequest& r) override {
    return host_.unregister_driver(r);
  }
  absl::StatusOr<v1::ListConflictingActorsResponse> ListConflictingActors(
      const v1::ListConflictingActorsRequest& r) override {
    return host_.list_conflicting_actors(r);
  }
  absl::StatusOr<v1::SetSwitchingResponse> SetSwitching(const v1::SetSwitchingRequest& r) override {
    return host_.set_switching(r);
  }

 private:
  FakeHost& host_;
};

// Gives out clients of one fake fleet and one fake host, and keeps what it was asked for.
class FakeConnector final : public Connector {
 public:
  absl::StatusOr<std::unique_ptr<FleetClient>> ConnectFleet(const FleetTarget& target) override {
    fleet_targets.push_back(target);
    if (!refusal.ok()) return refusal;
    return std::make_unique<FakeFleetClient>(&fleet);
  }
  absl::StatusOr<std::unique_ptr<HostClient>> ConnectHost(const HostTarget& target) override {
    host_targets.push_back(target);
    if (!refusal.ok()) return refusal;
    return std::make_unique<FakeHostClient>(&host);
  }

  FakeFleet fleet;
  FakeHost host;
  // Where it is an error, what every connection is answered.
  absl::Status refusal;
  std::vector<FleetTarget> fleet_targets;
  std::vector<HostTarget> host_targets;
};

}  // namespace hotplugger::client
