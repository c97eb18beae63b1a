#include "agent/api/host_server.h"

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <chrono>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/errno_status.h"
#include "common/error_info.h"
#include "common/transport/channel_settings.h"

namespace hotplugger::agent {

HostServer::HostServer(std::unique_ptr<grpc::Server> server) : server_(std::move(server)) {}

HostServer::~HostServer() { Shutdown(); }

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
  grpc::EnableDefaultHealthCheckService(true);
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  grpc::ServerBuilder builder;
  SetServerChannelOptions(&builder);
  builder.AddListeningPort(absl::StrCat("unix:", socket_path), grpc::InsecureServerCredentials());
  builder.RegisterService(&service);
  std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr) {
    return MakeError(
        absl::StatusCode::kUnavailable, "CANNOT_LISTEN",
        absl::StrCat("can't listen at ", socket_path, "; is its folder writable for the agent?"));
  }
  if (chmod(socket_path.c_str(), 0660) != 0) return ErrnoStatus(errno, "chmod", socket_path);
  return std::unique_ptr<HostServer>(new HostServer(std::move(server)));
}

void HostServer::Shutdown() {
  if (server_ == nullptr) return;
  server_->Shutdown(std::chrono::system_clock::now() + std::chrono::seconds(2));
  server_->Wait();
  server_.reset();
}

}  // namespace hotplugger::agent
