#include "agent/api/host_server.h"

#include <fcntl.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/errno_status.h"
#include "common/error_info.h"
#include "common/status_macros.h"
#include "common/transport/channel_settings.h"

namespace hotplugger::agent {

namespace {

// gRPC takes over a socket that is there, be its server dead or alive; the lock tells which.
absl::StatusOr<int> LockSocket(const std::string& socket_path) {
  const std::string path = absl::StrCat(socket_path, ".lock");
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return ErrnoStatus(errno, "opening", path);
  if (flock(fd, LOCK_EX | LOCK_NB) == 0) return fd;
  const int error_number = errno;
  close(fd);
  if (error_number != EWOULDBLOCK) return ErrnoStatus(error_number, "locking", path);
  return MakeError(absl::StatusCode::kFailedPrecondition, "SOCKET_IN_USE",
                   absl::StrCat("another agent serves at ", socket_path,
                                "; a host has one agent, so stop the other one first"));
}

}  // namespace

HostServer::HostServer(std::unique_ptr<grpc::Server> server, int lock_fd)
    : server_(std::move(server)), lock_fd_(lock_fd) {}

HostServer::~HostServer() {
  Shutdown();
  close(lock_fd_);
}

absl::StatusOr<std::unique_ptr<HostServer>> HostServer::Create(const std::string& socket_path,
                                                               HostService& service) {
  if (socket_path.size() >= sizeof(sockaddr_un::sun_path)) {
    return MakeFieldErrors(
        {{"--socket",
          absl::StrCat("\"", socket_path, "\" has ", socket_path.size(), " bytes; at most ",
                       sizeof(sockaddr_un::sun_path) - 1, " fit a unix socket's address")}});
  }
  std::error_code error;
  const std::filesystem::path folder = std::filesystem::path(socket_path).parent_path();
  if (!folder.empty()) std::filesystem::create_directories(folder, error);
  if (error) return ErrnoStatus(error.value(), "making", folder.string());
  ASSIGN_OR_RETURN(const int lock_fd, LockSocket(socket_path));
  grpc::EnableDefaultHealthCheckService(true);
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  grpc::ServerBuilder builder;
  SetServerChannelOptions(&builder);
  builder.AddListeningPort(absl::StrCat("unix:", socket_path), grpc::InsecureServerCredentials());
  builder.RegisterService(&service);
  std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr) {
    close(lock_fd);
    return MakeError(
        absl::StatusCode::kUnavailable, "LISTEN_FAILED",
        absl::StrCat("can't listen at ", socket_path, "; is its folder writable for the agent?"));
  }
  std::unique_ptr<HostServer> host_server(new HostServer(std::move(server), lock_fd));
  if (chmod(socket_path.c_str(), 0660) != 0) return ErrnoStatus(errno, "chmod", socket_path);
  return host_server;
}

void HostServer::Shutdown() {
  if (server_ == nullptr) return;
  server_->Shutdown(std::chrono::system_clock::now() + std::chrono::seconds(2));
  server_->Wait();
  server_.reset();
}

}  // namespace hotplugger::agent
