// Verbs that look again and again, until they are interrupted.
#pragma once

#include <functional>

#include "absl/status/statusor.h"
#include "client/command.h"

namespace hotplugger::client::fleet {

// Calls `poll` at once and then every 2 s, until an interrupt comes or the output takes no more.
// An error of the first call ends it: that is a wrong address or a wrong name. Later it goes on
// through those of a controller that doesn't answer, and tells on standard error when that begins
// and is over.
absl::StatusOr<ExitCode> PollUntilInterrupted(const std::function<absl::Status()>& poll,
                                              Session& session);

}  // namespace hotplugger::client::fleet
