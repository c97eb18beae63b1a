// The checks of what comes with every request to change devices.
#pragma once

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "agent/devices/operations/group_operation.h"
#include "agent/devices/rules/device_change.h"
#include "hotplugger/v1/host_service.pb.h"

namespace hotplugger::agent {

// Of one device: no shorter, no longer.
inline constexpr absl::Duration kMinDeviceDeadline = absl::Seconds(1);
inline constexpr absl::Duration kMaxDeviceDeadline = absl::Hours(1);

// Group and deadline. INVALID_ARGUMENT with every wrong field ("options...").
absl::StatusOr<GroupOptions> ReadChangeOptions(const v1::ChangeOptions& options);

// What a SetSmtRequest asks for. INVALID_ARGUMENT: FORCEOFF without `irreversible` and the other
// way round, threads without PARTIAL, a state that can't be asked for.
absl::StatusOr<SmtChange> ReadSmtChange(const v1::SetSmtRequest& request);

}  // namespace hotplugger::agent
