// HostService on the agent's unix socket.
#pragma once

#include <memory>

#include "absl/functional/any_invocable.h"
#include "agent/reconcile/local_operations.h"
#include "common/work_queue.h"
#include "hotplugger/v1/host_service.grpc.pb.h"

namespace hotplugger::agent {

// Each call is a task on the operation queue and is finished from there; gRPC's threads never wait.
class HostService final : public v1::HostService::CallbackService {
 public:
  // Both outlive the server that serves this. `changed` is called after an operation that may have
  // changed the host, on the queue's thread.
  HostService(LocalOperations& operations, WorkQueue& queue, std::function<void()> changed)
      : operations_(operations), queue_(queue), changed_(std::move(changed)) {}

  grpc::ServerUnaryReactor* ListDevices(grpc::CallbackServerContext* context,
                                        const v1::ListDevicesRequest* request,
                                        v1::ListDevicesResponse* response) noexcept override;
  grpc::ServerUnaryReactor* OfflineDevice(grpc::CallbackServerContext* context,
                                          const v1::OfflineDeviceRequest* request,
                                          v1::OfflineDeviceResponse* response) noexcept override;
  grpc::ServerUnaryReactor* OnlineDevice(grpc::CallbackServerContext* context,
                                         const v1::OnlineDeviceRequest* request,
                                         v1::OnlineDeviceResponse* response) noexcept override;
  grpc::ServerUnaryReactor* ListDrivers(grpc::CallbackServerContext* context,
                                        const v1::ListDriversRequest* request,
                                        v1::ListDriversResponse* response) noexcept override;
  grpc::ServerUnaryReactor* EnableDriver(grpc::CallbackServerContext* context,
                                         const v1::EnableDriverRequest* request,
                                         v1::EnableDriverResponse* response) noexcept override;
  grpc::ServerUnaryReactor* DisableDriver(grpc::CallbackServerContext* context,
                                          const v1::DisableDriverRequest* request,
                                          v1::DisableDriverResponse* response) noexcept override;
  grpc::ServerUnaryReactor* SwitchDrivers(grpc::CallbackServerContext* context,
                                          const v1::SwitchDriversRequest* request,
                                          v1::SwitchDriversResponse* response) noexcept override;
  grpc::ServerUnaryReactor* SetSwitching(grpc::CallbackServerContext* context,
                                         const v1::SetSwitchingRequest* request,
                                         v1::SetSwitchingResponse* response) noexcept override;

 private:
  // Runs `work` on the queue and finishes the call with its status.
  grpc::ServerUnaryReactor* Enqueue(grpc::CallbackServerContext* context,
                                    absl::AnyInvocable<absl::Status()> work);

  LocalOperations& operations_;
  WorkQueue& queue_;
  const std::function<void()> changed_;
};

}  // namespace hotplugger::agent
