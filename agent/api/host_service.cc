#include "agent/api/host_service.h"

#include <utility>

#include "common/transport/grpc_status.h"

namespace hotplugger::agent {
namespace {

// Moves an operation's answer to where the call wants it; its error stays the call's.
template <typename Answer>
absl::Status Deliver(absl::StatusOr<Answer> answer, Answer* target) {
  if (!answer.ok()) return answer.status();
  *target = *std::move(answer);
  return absl::OkStatus();
}

}  // namespace

grpc::ServerUnaryReactor* HostService::Enqueue(grpc::CallbackServerContext* context,
                                               absl::AnyInvocable<absl::Status()> work) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  const absl::Status added = queue_.Add(
      [reactor, work = std::move(work)]() mutable { reactor->Finish(ToGrpcStatus(work())); });
  if (!added.ok()) reactor->Finish(ToGrpcStatus(added));
  return reactor;
}

grpc::ServerUnaryReactor* HostService::ListDevices(grpc::CallbackServerContext* context,
                                                   const v1::ListDevicesRequest* /*request*/,
                                                   v1::ListDevicesResponse* response) noexcept {
  return Enqueue(context,
                 [this, response] { return Deliver(operations_.ListDevices(), response); });
}

grpc::ServerUnaryReactor* HostService::OfflineDevice(grpc::CallbackServerContext* context,
                                                     const v1::OfflineDeviceRequest* request,
                                                     v1::OfflineDeviceResponse* response) noexcept {
  return Enqueue(context, [this, request, response] {
    const absl::Status status =
        Deliver(operations_.SetDeviceOnline(request->device(), false), response->mutable_result());
    changed_();
    return status;
  });
}

grpc::ServerUnaryReactor* HostService::OnlineDevice(grpc::CallbackServerContext* context,
                                                    const v1::OnlineDeviceRequest* request,
                                                    v1::OnlineDeviceResponse* response) noexcept {
  return Enqueue(context, [this, request, response] {
    const absl::Status status =
        Deliver(operations_.SetDeviceOnline(request->device(), true), response->mutable_result());
    changed_();
    return status;
  });
}

grpc::ServerUnaryReactor* HostService::ListDrivers(grpc::CallbackServerContext* context,
                                                   const v1::ListDriversRequest* /*request*/,
                                                   v1::ListDriversResponse* response) noexcept {
  return Enqueue(context,
                 [this, response] { return Deliver(operations_.ListDrivers(), response); });
}

grpc::ServerUnaryReactor* HostService::EnableDriver(grpc::CallbackServerContext* context,
                                                    const v1::EnableDriverRequest* request,
                                                    v1::EnableDriverResponse* response) noexcept {
  return Enqueue(context, [this, request, response] {
    const absl::Status status = Deliver(operations_.EnableDriver(request->driver()), response);
    changed_();
    return status;
  });
}

grpc::ServerUnaryReactor* HostService::DisableDriver(grpc::CallbackServerContext* context,
                                                     const v1::DisableDriverRequest* request,
                                                     v1::DisableDriverResponse* response) noexcept {
  return Enqueue(context, [this, request, response] {
    const absl::Status status = Deliver(operations_.DisableDriver(request->driver()), response);
    changed_();
    return status;
  });
}

grpc::ServerUnaryReactor* HostService::SwitchDrivers(grpc::CallbackServerContext* context,
                                                     const v1::SwitchDriversRequest* request,
                                                     v1::SwitchDriversResponse* response) noexcept {
  return Enqueue(context, [this, request, response] {
    const absl::Status status = Deliver(operations_.SwitchDrivers(*request), response);
    changed_();
    return status;
  });
}

grpc::ServerUnaryReactor* HostService::SetSwitching(grpc::CallbackServerContext* context,
                                                    const v1::SetSwitchingRequest* request,
                                                    v1::SetSwitchingResponse* response) noexcept {
  return Enqueue(context, [this, request, response] {
    const absl::Status status = Deliver(operations_.SetSwitching(request->switching()), response);
    changed_();
    return status;
  });
}

}  // namespace hotplugger::agent
