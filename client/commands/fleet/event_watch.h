// Events as they happen.
#pragma once

#include "client/command.h"
#include "client/commands/fleet/event_query.h"

namespace hotplugger::client::fleet {

// Prints the latest events that the query asks for, the latest last, and then each new one, until
// interrupted.
absl::StatusOr<ExitCode> WatchEvents(const EventQuery& query, Session& session);

}  // namespace hotplugger::client::fleet
