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
  // this. FAILED_PRECONDITION (reason SOCKET_IN_USE) while another agent serves there.
  static absl::StatusOr<std::unique_ptr<HostServer>> Create(const std::string& socket_path,
                                                            HostService& service);
  ~HostServer();

  // Ends calls in flight after a short grace. May be called again.
  void Shutdown();

 private:
  HostServer(std::unique_ptr<grpc::Server> server, int lock_fd);

  std::unique_ptr<grpc::Server> server_;
  const int lock_fd_;
};

}  // namespace hotplugger::agent
