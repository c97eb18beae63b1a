// Whom a command line calls: from its flags, its environment and the contexts' file.
#pragma once

#include "absl/status/statusor.h"
#include "client/connector.h"
#include "client/scope_flags.h"
#include "client/surroundings.h"

namespace hotplugger::client {

// The address is that of the first of these that has one: --controller, the context that --context
// names, $HOTPLUGGER_CONTROLLER, the current context, 127.0.0.1:7443. The context's other settings
// go with its address; flags outrank them. The file is read where it has a say alone.
absl::StatusOr<FleetTarget> ResolveFleetTarget(const ScopeFlags& flags,
                                               const Surroundings& surroundings);

HostTarget ResolveHostTarget(const ScopeFlags& flags);

}  // namespace hotplugger::client
