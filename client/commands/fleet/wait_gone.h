// Waits for what ends: policies that are deleted, holds that are released or lapse.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "client/command.h"

namespace hotplugger::client::fleet {

// Until there is no policy of that name, at most for `timeout`.
absl::StatusOr<ExitCode> WaitUntilPolicyIsGone(const std::string& name, absl::Duration timeout,
                                               Session& session);

// Until nothing holds `subject` of `node`, at most for `timeout`.
absl::StatusOr<ExitCode> WaitUntilHoldIsGone(const std::string& node, const std::string& subject,
                                             absl::Duration timeout, Session& session);

}  // namespace hotplugger::client::fleet
