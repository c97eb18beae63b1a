// How a command line gets its clients.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "client/fleet_client.h"
#include "client/host_client.h"

namespace hotplugger::client {

struct FleetTarget {
  // HOST:PORT or unix:PATH.
  std::string controller;
  // Plaintext to other than loopback.
  bool insecure = false;
  // For each call.
  absl::Duration call_timeout;
};

struct HostTarget {
  // Path of the agent's unix socket.
  std::string socket;
  absl::Duration call_timeout;
};

// Checks addresses, but connects to nothing yet: a call that finds nobody is UNAVAILABLE.
class Connector {
 public:
  virtual ~Connector() = default;
  virtual absl::StatusOr<std::unique_ptr<FleetClient>> ConnectFleet(const FleetTarget& target) = 0;
  virtual absl::StatusOr<std::unique_ptr<HostClient>> ConnectHost(const HostTarget& target) = 0;
};

}  // namespace hotplugger::client
