#include "server/api/grpc_server.h"

#include <google/protobuf/descriptor.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/error_info.h"
#include "common/status_macros.h"
#include "common/transport/channel_settings.h"
#include "server/api/audit_service.h"
#include "server/api/call_interceptor.h"
#include "server/api/event_service.h"
#include "server/api/explain_service.h"
#include "server/api/fleet_service.h"
#include "server/api/link_service.h"
#include "server/api/plan_service.h"
#include "server/api/policy_service.h"
#include "server/api/watch_service.h"

namespace hotplugger::server {
namespace {

constexpr const char* kServices[] = {"hotplugger.v1.AuditService",   "hotplugger.v1.EventService",
                                     "hotplugger.v1.ExplainService", "hotplugger.v1.FleetService",
                                     "hotplugger.v1.LinkService",    "hotplugger.v1.PlanService",
                                     "hotplugger.v1.PolicyService",  "hotplugger.v1.WatchService"};

const char* TypeOf(const google::protobuf::MethodDescriptor& method) {
  if (method.client_streaming()) {
    return method.server_streaming() ? "bidi_stream" : "client_stream";
  }
  return method.server_streaming() ? "server_stream" : "unary";
}

class GrpcServerImpl final : public GrpcServer {
 public:
  explicit GrpcServerImpl(const GrpcServerParts& parts)
      : call_counters_(parts.calls),
        link_(parts.registry, parts.engine, parts.operations, parts.counters, parts.totals,
              parts.session),
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
  CallCounters* const call_counters_;
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
  std::vector<std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>> interceptors;
  interceptors.push_back(MakeCallInterceptors(call_counters_));
  builder.experimental().SetInterceptorCreators(std::move(interceptors));
  server_ = builder.BuildAndStart();
  if (server_ == nullptr || port_ == 0) {
    return MakeError(absl::StatusCode::kUnavailable, "LISTEN_FAILED",
                     absl::StrCat("can't listen for gRPC on ", address,
                                  ": the address is in use or not this machine's; stop what "
                                  "listens there, or give --listen another address"),
                     {{"address", address}});
  }
  grpc::HealthCheckServiceInterface* const health = server_->GetHealthCheckService();
  for (const char* service : kServices) health->SetServingStatus(service, true);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<CallCounters::Method>> MethodsOf(
    absl::Span<const char* const> services) {
  std::vector<CallCounters::Method> methods;
  for (const char* name : services) {
    const google::protobuf::ServiceDescriptor* const service =
        google::protobuf::DescriptorPool::generated_pool()->FindServiceByName(name);
    if (service == nullptr) {
      return MakeError(absl::StatusCode::kInternal, "SERVICE_NOT_DESCRIBED",
                       absl::StrCat("this program has no description of the service ", name,
                                    ", so that its calls could not be counted; it was built of "
                                    "parts that don't belong together: build it anew"),
                       {{"service", name}});
    }
    for (int i = 0; i < service->method_count(); ++i) {
      methods.push_back({TypeOf(*service->method(i)), name, service->method(i)->name()});
    }
  }
  return methods;
}

absl::StatusOr<std::vector<CallCounters::Method>> ServedMethods() {
  ASSIGN_OR_RETURN(std::vector<CallCounters::Method> methods, MethodsOf(kServices));
  // Of gRPC's own; there is no description of the first in the process.
  methods.push_back({"unary", "grpc.health.v1.Health", "Check"});
  methods.push_back({"server_stream", "grpc.health.v1.Health", "Watch"});
  methods.push_back(
      {"bidi_stream", "grpc.reflection.v1alpha.ServerReflection", "ServerReflectionInfo"});
  return methods;
}

absl::StatusOr<std::unique_ptr<GrpcServer>> StartGrpcServer(const std::string& address,
                                                            const GrpcServerParts& parts) {
  auto server = std::make_unique<GrpcServerImpl>(parts);
  const absl::Status started = server->Start(address);
  if (!started.ok()) return started;
  return server;
}

}  // namespace hotplugger::server
