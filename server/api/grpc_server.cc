#include "server/api/grpc_server.h"

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/error_info.h"
#include "common/transport/channel_settings.h"
#include "server/api/audit_service.h"
#include "server/api/event_service.h"
#include "server/api/explain_service.h"
#include "server/api/fleet_service.h"
#include "server/api/link_service.h"
#include "server/api/plan_service.h"
#include "server/api/policy_service.h"
#include "server/api/watch_service.h"

namespace hotplugger::server {
namespace {

class GrpcServerImpl final : public GrpcServer {
 public:
  explicit GrpcServerImpl(const GrpcServerParts& parts)
      : link_(parts.registry, parts.engine, parts.operations, parts.counters, parts.session),
        policies_(parts.engine),
        fleet_(parts.engine, parts.registry, parts.operations, &calls_),
        plans_(parts.engine, parts.operations, &calls_),
        explanations_(parts.engine, parts.operations),
        audit_(parts.engine, parts.audit),
        events_(parts.events, parts.session.identity->epoch()),
        watches_(parts.feed, parts.registry, parts.session.identity->epoch()) {}
  ~GrpcServerImpl() override { Shutdown(absl::ZeroDuration()); }

  absl::Status Start(const std::string& address);

  int port() const override { return port_; }

  void LeaveService() override {
    if (server_ != nullptr) server_->GetHealthCheckService()->SetServingStatus(false);
  }

  void Shutdown(absl::Duration grace) override {
    if (server_ == nullptr) return;
    // They would go on for as long as there is patience.
    const absl::Status end = MakeError(absl::StatusCode::kUnavailable, "SHUTTING_DOWN",
                                       "the controller is shutting down; watch again later");
    watches_.CloseAll(end);
    audit_.CloseAll(end);
    events_.CloseAll(end);
    server_->Shutdown(absl::ToChronoTime(absl::Now() + grace));
    server_->Wait();
    server_.reset();
  }

 private:
  // Declared before the server, which must end first.
  OperationCalls calls_;
  LinkService link_;
  PolicyService policies_;
  FleetService fleet_;
  PlanService plans_;
  ExplainService explanations_;
  AuditService audit_;
  EventService events_;
  WatchService watches_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

absl::Status GrpcServerImpl::Start(const std::string& address) {
  grpc::EnableDefaultHealthCheckService(true);
  // Named here, so that the linker can't drop it from a static library.
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  grpc::ServerBuilder builder;
  SetServerChannelOptions(&builder);
  builder.AddListeningPort(address, grpc::InsecureServerCredentials(), &port_);
  builder.RegisterService(&link_);
  builder.RegisterService(&policies_);
  builder.RegisterService(&fleet_);
  builder.RegisterService(&plans_);
  builder.RegisterService(&explanations_);
  builder.RegisterService(&audit_);
  builder.RegisterService(&events_);
  builder.RegisterService(&watches_);
  server_ = builder.BuildAndStart();
  if (server_ == nullptr || port_ == 0) {
    return MakeError(absl::StatusCode::kUnavailable, "LISTEN_FAILED",
                     absl::StrCat("can't listen for gRPC on ", address,
                                  ": the address is in use or not this machine's; stop what "
                                  "listens there, or give --listen another address"),
                     {{"address", address}});
  }
  grpc::HealthCheckServiceInterface* const health = server_->GetHealthCheckService();
  for (const char* service :
       {"hotplugger.v1.AuditService", "hotplugger.v1.EventService", "hotplugger.v1.ExplainService",
        "hotplugger.v1.FleetService", "hotplugger.v1.LinkService", "hotplugger.v1.PlanService",
        "hotplugger.v1.PolicyService", "hotplugger.v1.WatchService"}) {
    health->SetServingStatus(service, true);
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<GrpcServer>> StartGrpcServer(const std::string& address,
                                                            const GrpcServerParts& parts) {
  auto server = std::make_unique<GrpcServerImpl>(parts);
  const absl::Status started = server->Start(address);
  if (!started.ok()) return started;
  return server;
}

}  // namespace hotplugger::server
