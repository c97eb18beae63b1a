// Why a node can't be found, reached, let in or deleted.
#pragma once

#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "hotplugger/v1/link.pb.h"

namespace hotplugger::server {

absl::Status NodeNotFound(absl::string_view name);
absl::Status NodeNotConnected(const std::string& node);
absl::Status NodeIsConnected(const std::string& node);
// Another host has the name, or another agent of the same boot.
absl::Status NameTaken(const v1::Hello& hello, const std::string& holder_boot_id);
absl::Status NameTakenByAgent(const v1::Hello& hello);
// Told of the node that has the name: an agent that is turned away for `why` has it, too.
absl::Status NameOfAnotherFleet(const v1::Hello& hello, const absl::Status& why);
absl::Status TooManyNodes(const v1::Hello& hello, size_t max_nodes);
absl::Status TooManyStreams(size_t waiting);
absl::Status RegistryShuttingDown();

}  // namespace hotplugger::server
