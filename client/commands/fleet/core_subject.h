// The whole core of a CPU, as holds name it.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "client/command.h"

namespace hotplugger::client::fleet {

// "core/0-0-3" for a CPU of the node, which is asked for its place; says on standard error which
// CPUs go with it. A core is its own answer. NOT_FOUND (DEVICE_NOT_FOUND), FAILED_PRECONDITION
// (TOPOLOGY_UNKNOWN).
absl::StatusOr<std::string> CoreSubject(const std::string& node, const std::string& cpu,
                                        Session& session);

}  // namespace hotplugger::client::fleet
