#include "common/transport/health_server.h"

#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/impl/server_builder_option.h>

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/error_info.h"
#include "common/listen_address.h"
#include "common/transport/channel_settings.h"

namespace hotplugger {
namespace {

// A probe asks with a few bytes.
constexpr int kMaxRequestBytes = 4 * 1024;

// Plugins that the process has for all its servers, such as reflection, have no business here.
class WithoutPlugins final : public grpc::ServerBuilderOption {
 public:
  void UpdateArguments(grpc::ChannelArguments* /*arguments*/) override {}
  void UpdatePlugins(std::vector<std::unique_ptr<grpc::ServerBuilderPlugin>>* plugins) override {
    plugins->clear();
  }
};

class HealthServerImpl final : public HealthServer {
 public:
  ~HealthServerImpl() override {
    if (server_ == nullptr) return;
    // Watches would go on for ever.
    server_->Shutdown(absl::ToChronoTime(absl::Now()));
    server_->Wait();
  }

  // Whether it listens.
  bool Start(const std::string& address);

  int port() const override { return port_; }
  void SetServing(bool serving) override {
    server_->GetHealthCheckService()->SetServingStatus(serving);
  }

 private:
  // Refuses all else. gRPC builds no server without a service.
  grpc::CallbackGenericService unimplemented_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

bool HealthServerImpl::Start(const std::string& address) {
  grpc::ServerBuilder builder;
  SetServerChannelOptions(&builder);
  builder.SetMaxReceiveMessageSize(kMaxRequestBytes);
  builder.SetOption(std::make_unique<WithoutPlugins>());
  builder.RegisterCallbackGenericService(&unimplemented_);
  builder.AddListeningPort(address, grpc::InsecureServerCredentials(), &port_);
  // Other servers of the process have a health service if they ask for one.
  const bool before = grpc::DefaultHealthCheckServiceEnabled();
  grpc::EnableDefaultHealthCheckService(true);
  server_ = builder.BuildAndStart();
  grpc::EnableDefaultHealthCheckService(before);
  if (server_ == nullptr || port_ == 0) return false;
  SetServing(false);
  return true;
}

}  // namespace

absl::StatusOr<std::unique_ptr<HealthServer>> StartHealthServer(const std::string& address) {
  auto server = std::make_unique<HealthServerImpl>();
  if (server->Start(WithHost(address))) return server;
  return MakeError(absl::StatusCode::kUnavailable, "LISTEN_FAILED",
                   absl::StrCat("can't answer health checks on ", address,
                                ": the address is in use or not this machine's; stop what listens "
                                "there, or give --health-listen another address"),
                   {{"address", address}});
}

}  // namespace hotplugger
