// What somebody on the host itself may have the agent do to devices, and why it would not.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "agent/devices/rules/device_plan.h"
#include "agent/reconcile/host.h"
#include "agent/reconcile/plan.h"
#include "hotplugger/v1/host_service.pb.h"

namespace hotplugger::agent {

// Not safe for concurrent use: everything runs on the operation queue's thread. A device that the
// spec wants otherwise is refused (reason HELD_BY_SPEC), naming who wants it so. An operation on
// one device by its name answers an error where it fails; one on several answers each device's
// result. Requests are checked whole before anything is done: INVALID_ARGUMENT with every wrong
// field.
class LocalDeviceOperations {
 public:
  // `host` outlives this. `stopped` is asked before each step of a group: the agent is stopping.
  explicit LocalDeviceOperations(
      Host& host, std::function<bool()> stopped = [] { return false; })
      : host_(host), stopped_(std::move(stopped)) {}

  absl::StatusOr<v1::OfflineDevicesResponse> OfflineDevices(
      const v1::OfflineDevicesRequest& request);
  absl::StatusOr<v1::OnlineDevicesResponse> OnlineDevices(const v1::OnlineDevicesRequest& request);
  absl::StatusOr<v1::SetSmtResponse> SetSmt(const v1::SetSmtRequest& request);
  absl::StatusOr<v1::PlanDevicesResponse> PlanDevices(const v1::PlanDevicesRequest& request);
  absl::StatusOr<v1::ExplainDeviceResponse> ExplainDevice(const v1::ExplainDeviceRequest& request);

 private:
  // One wanted change, and why the spec forbids it, if it does.
  struct CheckedChange {
    DeviceChange change;
    absl::Status held;
  };

  absl::Status AddDescendants(const DeviceName& device, Snapshot* snapshot);
  absl::StatusOr<Snapshot> ReadFor(const v1::DeviceTarget& target,
                                   const v1::ChangeOptions& options);
  absl::StatusOr<std::vector<CheckedChange>> Resolve(const v1::DeviceTarget& target, bool online,
                                                     v1::MemoryZone zone,
                                                     const Snapshot& snapshot) const;
  absl::StatusOr<std::vector<v1::ItemResult>> Change(const v1::DeviceTarget& target,
                                                     const v1::ChangeOptions& options, bool online,
                                                     v1::MemoryZone zone);
  absl::StatusOr<v1::ItemResult> ChangeOne(const CheckedChange& checked, absl::Duration deadline);
  // Those of `items`, of an operation that took devices offline, that were so already: whatever
  // parked them, they are by the caller's word from now on.
  void NoteOffline(std::vector<v1::ItemResult>* items);
  absl::Status CheckStamp(const v1::PlanStamp& stamp, const Snapshot& snapshot) const;
  absl::StatusOr<ChangePlan> PlanSmtRequest(const v1::SetSmtRequest& request,
                                            const Snapshot& snapshot) const;
  absl::Status CheckSmtHeld(const v1::SetSmtRequest& request, const Snapshot& snapshot) const;

  Host& host_;
  const std::function<bool()> stopped_;
};

}  // namespace hotplugger::agent
