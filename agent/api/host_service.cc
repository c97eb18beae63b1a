#include "agent/api/host_service.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/error_info.h"
#include "common/log.h"
#include "common/status_macros.h"
#include "common/transport/grpc_status.h"

namespace hotplugger::agent {

// Request and response live until Finish.
template <typename Response, typename Operation>
grpc::ServerUnaryReactor* HostService::Enqueue(Context* context, Effect effect, Response* response,
                                               Operation operation) {
  Reactor* reactor = context->DefaultReactor();
  const absl::Status added =
      parts_.queue.Add([this, reactor, effect, response, operation = std::move(operation)] {
        absl::StatusOr<Response> answer = operation();
        if (effect == Effect::kChanges) parts_.changed();
        const grpc::Status status = ToGrpcStatus(answer.status());
        if (answer.ok()) *response = *std::move(answer);
        reactor->Finish(status);
      });
  if (!added.ok()) reactor->Finish(ToGrpcStatus(added));
  return reactor;
}

grpc::ServerUnaryReactor* HostService::ListDevices(Context* context,
                                                   const v1::ListDevicesRequest* request,
                                                   v1::ListDevicesResponse* response) noexcept {
  return Enqueue(context, Effect::kReads, response,
                 [this, request] { return parts_.devices.ListDevices(*request); });
}

grpc::ServerUnaryReactor* HostService::GetDevice(Context* context,
                                                 const v1::GetDeviceRequest* request,
                                                 v1::Device* response) noexcept {
  return Enqueue(context, Effect::kReads, response,
                 [this, request] { return parts_.devices.GetDevice(*request); });
}

grpc::ServerUnaryReactor* HostService::OfflineDevices(
    Context* context, const v1::OfflineDevicesRequest* request,
    v1::OfflineDevicesResponse* response) noexcept {
  return Enqueue(context, Effect::kChanges, response,
                 [this, request] { return parts_.devices.OfflineDevices(*request); });
}

grpc::ServerUnaryReactor* HostService::OnlineDevices(Context* context,
                                                     const v1::OnlineDevicesRequest* request,
                                                     v1::OnlineDevicesResponse* response) noexcept {
  return Enqueue(context, Effect::kChanges, response,
                 [this, request] { return parts_.devices.OnlineDevices(*request); });
}

grpc::ServerUnaryReactor* HostService::SetSmt(Context* context, const v1::SetSmtRequest* request,
                                              v1::SetSmtResponse* response) noexcept {
  return Enqueue(context, Effect::kChanges, response,
                 [this, request] { return parts_.devices.SetSmt(*request); });
}

grpc::ServerUnaryReactor* HostService::PlanDevices(Context* context,
                                                   const v1::PlanDevicesRequest* request,
                                                   v1::PlanDevicesResponse* response) noexcept {
  return Enqueue(context, Effect::kReads, response,
                 [this, request] { return parts_.devices.PlanDevices(*request); });
}

grpc::ServerUnaryReactor* HostService::ExplainDevice(Context* context,
                                                     const v1::ExplainDeviceRequest* request,
                                                     v1::ExplainDeviceResponse* response) noexcept {
  return Enqueue(context, Effect::kReads, response,
                 [this, request] { return parts_.devices.ExplainDevice(*request); });
}

grpc::ServerWriteReactor<v1::WatchDevicesResponse>* HostService::WatchDevices(
    Context* /*context*/, const v1::WatchDevicesRequest* request) noexcept {
  // Of the queue's thread alone.
  auto id = std::make_shared<uint64_t>(0);
  auto stream = DeviceWatchStream::Create([this, id] {
    // Where the queue has stopped, so has the watch.
    parts_.queue.Add([this, id] { parts_.watch.Remove(*id); }).IgnoreError();
  });
  DeviceWatchStream* const reactor = stream.get();
  std::vector<v1::DeviceKind> kinds;
  for (const int kind : request->kinds()) kinds.push_back(static_cast<v1::DeviceKind>(kind));
  const absl::Status added =
      parts_.queue.Add([this, kinds = std::move(kinds), stream, id] { Watch(kinds, stream, id); });
  if (!added.ok()) reactor->End(added);
  return reactor;
}

void HostService::Watch(std::vector<v1::DeviceKind> kinds,
                        const std::shared_ptr<DeviceWatchStream>& stream,
                        const std::shared_ptr<uint64_t>& id) {
  *id = parts_.watch.Add(
      std::move(kinds), [stream](v1::WatchDevicesResponse news) { stream->Send(std::move(news)); });
  if (*id == 0) {
    stream->End(MakeError(absl::StatusCode::kResourceExhausted, "TOO_MANY_WATCHERS",
                          absl::StrCat("this host's devices are watched by ",
                                       DeviceWatch::kMaxWatchers, " already; end one of them")));
    return;
  }
  const absl::Status published = Publish();
  if (!published.ok()) stream->End(published);
}

absl::Status HostService::Publish() {
  ASSIGN_OR_RETURN(const v1::ListDevicesResponse response, parts_.devices.ListDevices({}));
  parts_.watch.Publish({response.devices().begin(), response.devices().end()});
  return absl::OkStatus();
}

void HostService::PublishDevices() {
  // One task at most waits, however many events come.
  if (publishing_.exchange(true)) return;
  const absl::Status added = parts_.queue.Add([this] {
    publishing_ = false;
    if (parts_.watch.empty()) return;
    const absl::Status published = Publish();
    if (published.ok()) return;
    Log(LogLevel::kWarning, "those who watch devices were not told of a change",
        {{"cause", std::string(published.message())}});
  });
  if (!added.ok()) publishing_ = false;
}

grpc::ServerUnaryReactor* HostService::ListDrivers(Context* context,
                                                   const v1::ListDriversRequest* /*request*/,
                                                   v1::ListDriversResponse* response) noexcept {
  return Enqueue(context, Effect::kReads, response,
                 [this] { return parts_.drivers.ListDrivers(); });
}

grpc::ServerUnaryReactor* HostService::EnableDriver(Context* context,
                                                    const v1::EnableDriverRequest* request,
                                                    v1::EnableDriverResponse* response) noexcept {
  return Enqueue(context, Effect::kChanges, response,
                 [this, request] { return parts_.drivers.EnableDriver(request->driver()); });
}

grpc::ServerUnaryReactor* HostService::DisableDriver(Context* context,
                                                     const v1::DisableDriverRequest* request,
                                                     v1::DisableDriverResponse* response) noexcept {
  return Enqueue(context, Effect::kChanges, response,
                 [this, request] { return parts_.drivers.DisableDriver(request->driver()); });
}

grpc::ServerUnaryReactor* HostService::SwitchDrivers(Context* context,
                                                     const v1::SwitchDriversRequest* request,
                                                     v1::SwitchDriversResponse* response) noexcept {
  return Enqueue(context, Effect::kChanges, response,
                 [this, request] { return parts_.drivers.SwitchDrivers(*request); });
}

grpc::ServerUnaryReactor* HostService::SetSwitching(Context* context,
                                                    const v1::SetSwitchingRequest* request,
                                                    v1::SetSwitchingResponse* response) noexcept {
  return Enqueue(context, Effect::kChanges, response,
                 [this, request] { return parts_.drivers.SetSwitching(request->switching()); });
}

}  // namespace hotplugger::agent
