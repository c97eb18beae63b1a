// The agent's own gRPC server, on a unix socket.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "agent/api/host_service.h"

namespace grpc {
class Server;
}

namespace hotplugger::agent {

// Serves from Create until Shutdown or destruction.
class HostServer {
 public:
  // Listens at `socket_path`, mode 0660, making its folder if it is missing. `service` outlives
  // this. The caller holds the state directory's lock, so a socket that is there is a dead agent's.
  static absl::StatusOr<std::unique_ptr<HostServer>> Create(const std::string& socket_path,
                                                            HostService& service);
  ~HostServer();

  // Ends calls in flight after a short grace. May be called again.
  void Shutdown();

 private:
  explicit HostServer(std::unique_ptr<grpc::Server> server);

  std::unique_ptr<grpc::Server> server_;
};

}  // namespace hotplugger::agent
