// What --dry-run shows.
#pragma once

#include "client/command.h"
#include "hotplugger/v1/host_service.pb.h"

namespace hotplugger::client::host {

// Asks the agent what a change would do and prints that: the steps, capacity before and after,
// notes, and the stamp for --plan-stamp. kOk where no step is refused, kPartial where some are,
// kFailure where all are. Changes nothing.
absl::StatusOr<ExitCode> ShowPlan(const v1::PlanDevicesRequest& request, Session& session);

}  // namespace hotplugger::client::host
