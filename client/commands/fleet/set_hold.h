// What offline, online and switch share: a hold.
#pragma once

#include "client/command.h"
#include "hotplugger/v1/policy.pb.h"

namespace hotplugger::client::fleet {

// Sets `hold` and prints what is held now, and which holds it replaced.
absl::StatusOr<ExitCode> SetHold(const v1::Hold& hold, Session& session);

// Declares NODE DEVICE --reason for a verb that holds a device in `state`.
Action DeclareDeviceHold(Arguments& arguments, v1::DeviceState state);

}  // namespace hotplugger::client::fleet
