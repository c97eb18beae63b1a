#pragma once

#include <string>

#include "absl/status/status.h"

namespace hotplugger::server {

// Writes "grpc=PORT\nmetrics=PORT\n" to `path`, whole or not at all, for scripts that use port 0;
// and "health=PORT\n" where that isn't 0.
absl::Status WritePortFile(const std::string& path, int grpc_port, int metrics_port,
                           int health_port);

}  // namespace hotplugger::server
