// What somebody on the host itself may ask of the agent.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "agent/reconcile/host.h"
#include "hotplugger/v1/host_service.pb.h"

namespace hotplugger::agent {

// Not safe for concurrent use: everything runs on the operation queue's thread. A device or driver
// that the spec has a say in is refused with FAILED_PRECONDITION (reason HELD_BY_SPEC), naming who
// wants it so: the agent would only undo the change again.
class LocalOperations {
 public:
  // `host` outlives this.
  explicit LocalOperations(Host& host) : host_(host) {}

  absl::StatusOr<v1::ListDevicesResponse> ListDevices();
  absl::StatusOr<v1::ItemResult> SetDeviceOnline(const std::string& device, bool online);
  absl::StatusOr<v1::ListDriversResponse> ListDrivers();
  absl::StatusOr<v1::EnableDriverResponse> EnableDriver(const std::string& driver);
  absl::StatusOr<v1::DisableDriverResponse> DisableDriver(const std::string& driver);
  absl::StatusOr<v1::SwitchDriversResponse> SwitchDrivers(const v1::SwitchDriversRequest& request);
  absl::StatusOr<v1::SetSwitchingResponse> SetSwitching(v1::Switch switching);

 private:
  // The spec in force; empty where there is none.
  absl::StatusOr<v1::NodeSpec> Spec() const;
  // Reads the drivers anew; an error where the spec has a say in them.
  absl::Status PrepareDrivers();

  Host& host_;
};

}  // namespace hotplugger::agent
