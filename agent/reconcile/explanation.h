// Why a device is as it is, who wants it so, and what stops a change: pure.
#pragma once

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "agent/devices/inventory/snapshot.h"
#include "agent/devices/rules/device_change.h"
#include "agent/devices/rules/safety_limits.h"
#include "agent/reconcile/plan.h"
#include "hotplugger/v1/agent_state.pb.h"
#include "hotplugger/v1/host_service.pb.h"
#include "hotplugger/v1/node.pb.h"

namespace hotplugger::agent {

// The device as the API shows it. NOT_FOUND (DEVICE_NOT_FOUND), also for a generic device without
// an `online` file: the snapshot has those alone that have one.
absl::StatusOr<v1::Device> FindDevice(const DeviceName& device, const Snapshot& snapshot);

// HELD_BY_SPEC where the spec wants the device of `change` otherwise.
absl::Status CheckHeld(const DeviceChange& change, const WantedDevices& wanted,
                       const v1::NodeSpec& spec, const v1::AgentState& state);

// What an explanation is made from.
struct ExplanationInput {
  const Snapshot& snapshot;
  const v1::NodeSpec& spec;
  const v1::AgentState& state;
  const SafetyLimits& limits;
};

// Everything but the journal's part. Errors as FindDevice.
absl::StatusOr<v1::ExplainDeviceResponse> Explain(const DeviceName& device,
                                                  const ExplanationInput& input);

}  // namespace hotplugger::agent
