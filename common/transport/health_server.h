// A port for probes that speak plaintext alone, as kubelet's do: gRPC's health service and nothing
// else.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace hotplugger {

// Answers for the server as a whole (service ""). Ends with its destructor, which cancels watches.
// Safe for concurrent use.
class HealthServer {
 public:
  virtual ~HealthServer() = default;
  // Where it listens; what port 0 became.
  virtual int port() const = 0;
  // NOT_SERVING until this says otherwise.
  virtual void SetServing(bool serving) = 0;
};

// Serves on `address` (see CheckListenAddress), in plaintext whatever that is. UNAVAILABLE (reason
// LISTEN_FAILED) where it can't be had. Not while another gRPC server is being started in this
// process: that gRPC has a health service at all is a switch for all of it.
absl::StatusOr<std::unique_ptr<HealthServer>> StartHealthServer(const std::string& address);

}  // namespace hotplugger
