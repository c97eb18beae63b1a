#include "agent/api/host_service.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "agent/api/device_watch_stream.h"
#include "common/error_info.h"
#include "common/log.h"
#include "common/status_macros.h"
#include "common/transport/grpc_status.h"

namespace hotplugger::agent {

// Request and response live until Finish.
template <typename Response, typename Operation>
void HostService::Answer(Reactor* reactor, Response* response, Operation& operation) {
  absl::StatusOr<Response> answer = operation();
  const grpc::Status status = ToGrpcStatus(answer.status());
  if (answer.ok()) *response = *std::move(answer);
  reactor->Finish(status);
}

template <typename Response, typename Operation>
grpc::ServerUnaryReactor* HostService::Query(Context* context, Response* response,
                                             Operation operation) {
  Reactor* reactor = context->DefaultReactor();
  const absl::Status added =
      parts_.query_queue.Add([this, reactor, response, operation = std::move(operation)]() mutable {
        Answer(reactor, response, operation);
        if (publish_missed_.exchange(false)) Publish();
      });
  if (!added.ok()) reactor->Finish(ToGrpcStatus(added));
  return reactor;
}

template <typename Response, typename Operation>
grpc::ServerUnaryReactor* HostService::Read(Context* context, Response* response,
                                            Operation operation) {
  Reactor* reactor = context->DefaultReactor();
  const absl::Status added =
      parts_.operation_queue.Add([reactor, response, operation = std::move(operation)]() mutable {
        Answer(reactor, response, operation);
      });
  if (!added.ok()) reactor->Finish(ToGrpcStatus(added));
  return reactor;
}

template <typename Response, typename Operation>
grpc::ServerUnaryReactor* HostService::Change(Context* context, Response* response,
                                              Operation operation) {
  return Read(
      context, response,
      [this, context, operation = std::move(operation)]() mutable -> absl::StatusOr<Response> {
        RETURN_IF_ERROR(CheckBegins(*context));
        absl::StatusOr<Response> answer = operation();
        parts_.changed();
        return answer;
      });
}

absl::Status HostService::CheckBegins(const Context& context) const {
  if (parts_.stopping()) {
    return MakeError(absl::StatusCode::kUnavailable, "SHUTTING_DOWN",
                     "the agent is stopping, so this was not begun; try again once it is back");
  }
  if (context.IsCancelled()) {
    return MakeError(absl::StatusCode::kCancelled, "NOT_BEGUN",
                     "whoever asked has gone before their turn came, so this was not begun");
  }
  return absl::OkStatus();
}

grpc::ServerUnaryReactor* HostService::ListDevices(Context* context,
                                                   const v1::ListDevicesRequest* request,
                                                   v1::ListDevicesResponse* response) noexcept {
  return Query(context, response, [this, request] { return parts_.queries.ListDevices(*request); });
}

grpc::ServerUnaryReactor* HostService::GetDevice(Context* context,
                                                 const v1::GetDeviceRequest* request,
                                                 v1::Device* response) noexcept {
  return Query(context, response, [this, request] { return parts_.queries.GetDevice(*request); });
}

grpc::ServerUnaryReactor* HostService::OfflineDevices(
    Context* context, const v1::OfflineDevicesRequest* request,
    v1::OfflineDevicesResponse* response) noexcept {
  return Change(context, response,
                [this, request] { return parts_.devices.OfflineDevices(*request); });
}

grpc::ServerUnaryReactor* HostService::OnlineDevices(Context* context,
                                                     const v1::OnlineDevicesRequest* request,
                                                     v1::OnlineDevicesResponse* response) noexcept {
  return Change(context, response,
                [this, request] { return parts_.devices.OnlineDevices(*request); });
}

grpc::ServerUnaryReactor* HostService::SetSmt(Context* context, const v1::SetSmtRequest* request,
                                              v1::SetSmtResponse* response) noexcept {
  return Change(context, response, [this, request] { return parts_.devices.SetSmt(*request); });
}

grpc::ServerUnaryReactor* HostService::PlanDevices(Context* context,
                                                   const v1::PlanDevicesRequest* request,
                                                   v1::PlanDevicesResponse* response) noexcept {
  return Read(context, response, [this, request] { return parts_.devices.PlanDevices(*request); });
}

grpc::ServerUnaryReactor* HostService::ExplainDevice(Context* context,
                                                     const v1::ExplainDeviceRequest* request,
                                                     v1::ExplainDeviceResponse* response) noexcept {
  return Read(context, response,
              [this, request] { return parts_.devices.ExplainDevice(*request); });
}

grpc::ServerWriteReactor<v1::WatchDevicesResponse>* HostService::WatchDevices(
    Context* /*context*/, const v1::WatchDevicesRequest* request) noexcept {
  auto stream = DeviceWatchStream::Create([this](uint64_t id) { parts_.watch.Remove(id); });
  std::vector<v1::DeviceKind> kinds;
  for (const int kind : request->kinds()) kinds.push_back(static_cast<v1::DeviceKind>(kind));
  const uint64_t id = parts_.watch.Add(std::move(kinds), stream);
  stream->SetId(id);
  if (id == 0) {
    stream->End(MakeError(absl::StatusCode::kResourceExhausted, "TOO_MANY_WATCHERS",
                          absl::StrCat("this host's devices are watched by ",
                                       DeviceWatch::kMaxWatchers, " already; end one of them")));
  } else {
    PublishDevices();
  }
  return stream.get();
}

void HostService::Publish() {
  if (parts_.watch.empty()) return;
  const absl::StatusOr<v1::ListDevicesResponse> response = parts_.queries.ListDevices({});
  if (response.ok()) {
    parts_.watch.Publish({response->devices().begin(), response->devices().end()});
    return;
  }
  Log(LogLevel::kWarning, "the devices can't be read, so those who watch them are sent away",
      {{"cause", std::string(response.status().message())}});
  parts_.watch.Fail(response.status());
}

void HostService::PublishDevices() {
  // One task at most waits, however many events come.
  if (publishing_.exchange(true)) return;
  const absl::Status added = parts_.query_queue.Add([this] {
    publishing_ = false;
    Publish();
  });
  if (added.ok()) return;
  publishing_ = false;
  publish_missed_ = true;
}

grpc::ServerUnaryReactor* HostService::ListDrivers(Context* context,
                                                   const v1::ListDriversRequest* /*request*/,
                                                   v1::ListDriversResponse* response) noexcept {
  return Query(context, response, [this] { return parts_.drivers.ListDrivers(); });
}

grpc::ServerUnaryReactor* HostService::EnableDriver(Context* context,
                                                    const v1::EnableDriverRequest* request,
                                                    v1::EnableDriverResponse* response) noexcept {
  return Change(context, response,
                [this, request] { return parts_.drivers.EnableDriver(request->driver()); });
}

grpc::ServerUnaryReactor* HostService::DisableDriver(Context* context,
                                                     const v1::DisableDriverRequest* request,
                                                     v1::DisableDriverResponse* response) noexcept {
  return Change(context, response,
                [this, request] { return parts_.drivers.DisableDriver(request->driver()); });
}

grpc::ServerUnaryReactor* HostService::SwitchDrivers(Context* context,
                                                     const v1::SwitchDriversRequest* request,
                                                     v1::SwitchDriversResponse* response) noexcept {
  return Change(context, response,
                [this, request] { return parts_.drivers.SwitchDrivers(*request); });
}

grpc::ServerUnaryReactor* HostService::RegisterDriver(
    Context* context, const v1::RegisterDriverRequest* request,
    v1::RegisterDriverResponse* response) noexcept {
  return Change(context, response,
                [this, request] { return parts_.drivers.RegisterDriver(request->driver()); });
}

grpc::ServerUnaryReactor* HostService::UnregisterDriver(
    Context* context, const v1::UnregisterDriverRequest* request,
    v1::UnregisterDriverResponse* response) noexcept {
  return Change(context, response,
                [this, request] { return parts_.drivers.UnregisterDriver(request->driver()); });
}

grpc::ServerUnaryReactor* HostService::ListConflictingActors(
    Context* context, const v1::ListConflictingActorsRequest* /*request*/,
    v1::ListConflictingActorsResponse* response) noexcept {
  return Read(context, response, [this] { return parts_.drivers.ListConflictingActors(); });
}

grpc::ServerUnaryReactor* HostService::SetSwitching(Context* context,
                                                    const v1::SetSwitchingRequest* request,
                                                    v1::SetSwitchingResponse* response) noexcept {
  return Change(context, response,
                [this, request] { return parts_.drivers.SetSwitching(request->switching()); });
}

}  // namespace hotplugger::agent
