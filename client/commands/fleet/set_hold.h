// What the verbs that set a hold share.
#pragma once

#include "client/command.h"
#include "client/commands/fleet/change_options.h"
#include "hotplugger/v1/policy.pb.h"

namespace hotplugger::client::fleet {

// Sets `hold`, as far as the options let it, and prints what is held now, and which holds it
// replaced.
absl::StatusOr<ExitCode> SetHold(const v1::Hold& hold, const ChangeOptions& options,
                                 Session& session);

// Declares NODE DEVICE and their flags for a verb that holds a device in `state`.
Action DeclareDeviceHold(Arguments& arguments, v1::DeviceState state);

}  // namespace hotplugger::client::fleet
