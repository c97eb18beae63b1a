// The audit log as it grows.
#pragma once

#include "client/command.h"
#include "client/commands/fleet/audit_query.h"

namespace hotplugger::client::fleet {

// Prints the latest entries that the query asks for, the latest last, and then each new one, until
// interrupted.
absl::StatusOr<ExitCode> WatchAudit(const AuditQuery& query, Session& session);

}  // namespace hotplugger::client::fleet
