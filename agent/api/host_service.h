// HostService on the agent's unix socket.
#pragma once

#include <atomic>
#include <functional>

#include "agent/reconcile/device_queries.h"
#include "agent/reconcile/device_watch.h"
#include "agent/reconcile/local_device_operations.h"
#include "agent/reconcile/local_driver_operations.h"
#include "common/work_queue.h"
#include "hotplugger/v1/host_service.grpc.pb.h"

namespace hotplugger::agent {

// Each call is a task on a queue and is finished from there; gRPC's threads never wait. What asks
// for the state of devices or drivers alone has a queue of its own, and is answered while an
// operation takes its time; all else has its turn among the operations. A change whose caller has
// gone before its turn came is not begun: nobody would learn of it.
class HostService final : public v1::HostService::CallbackService {
 public:
  struct Parts {
    DeviceQueries& queries;
    LocalDeviceOperations& devices;
    LocalDriverOperations& drivers;
    DeviceWatch& watch;
    WorkQueue& query_queue;
    WorkQueue& operation_queue;
    // Called after an operation that may have changed the host, on the operation queue's thread.
    std::function<void()> changed;
    // The agent is stopping: what has not begun does not begin.
    std::function<bool()> stopping;
  };

  // All parts outlive the server that serves this.
  explicit HostService(Parts parts) : parts_(std::move(parts)) {}

  // Tells those who watch what has changed, soon. Safe for concurrent use; never blocks.
  void PublishDevices();

  using Context = grpc::CallbackServerContext;
  using Reactor = grpc::ServerUnaryReactor;

  Reactor* ListDevices(Context* context, const v1::ListDevicesRequest* request,
                       v1::ListDevicesResponse* response) noexcept override;
  Reactor* GetDevice(Context* context, const v1::GetDeviceRequest* request,
                     v1::Device* response) noexcept override;
  Reactor* OfflineDevices(Context* context, const v1::OfflineDevicesRequest* request,
                          v1::OfflineDevicesResponse* response) noexcept override;
  Reactor* OnlineDevices(Context* context, const v1::OnlineDevicesRequest* request,
                         v1::OnlineDevicesResponse* response) noexcept override;
  Reactor* SetSmt(Context* context, const v1::SetSmtRequest* request,
                  v1::SetSmtResponse* response) noexcept override;
  Reactor* PlanDevices(Context* context, const v1::PlanDevicesRequest* request,
                       v1::PlanDevicesResponse* response) noexcept override;
  Reactor* ExplainDevice(Context* context, const v1::ExplainDeviceRequest* request,
                         v1::ExplainDeviceResponse* response) noexcept override;
  grpc::ServerWriteReactor<v1::WatchDevicesResponse>* WatchDevices(
      Context* context, const v1::WatchDevicesRequest* request) noexcept override;
  Reactor* ListDrivers(Context* context, const v1::ListDriversRequest* request,
                       v1::ListDriversResponse* response) noexcept override;
  Reactor* EnableDriver(Context* context, const v1::EnableDriverRequest* request,
                        v1::EnableDriverResponse* response) noexcept override;
  Reactor* DisableDriver(Context* context, const v1::DisableDriverRequest* request,
                         v1::DisableDriverResponse* response) noexcept override;
  Reactor* SwitchDrivers(Context* context, const v1::SwitchDriversRequest* request,
                         v1::SwitchDriversResponse* response) noexcept override;
  Reactor* RegisterDriver(Context* context, const v1::RegisterDriverRequest* request,
                          v1::RegisterDriverResponse* response) noexcept override;
  Reactor* UnregisterDriver(Context* context, const v1::UnregisterDriverRequest* request,
                            v1::UnregisterDriverResponse* response) noexcept override;
  Reactor* ListConflictingActors(Context* context, const v1::ListConflictingActorsRequest* request,
                                 v1::ListConflictingActorsResponse* response) noexcept override;
  Reactor* SetSwitching(Context* context, const v1::SetSwitchingRequest* request,
                        v1::SetSwitchingResponse* response) noexcept override;

 private:
  // Runs `operation`, which answers a StatusOr<Response>, and finishes the call.
  template <typename Response, typename Operation>
  static void Answer(Reactor* reactor, Response* response, Operation& operation);
  // On the query queue.
  template <typename Response, typename Operation>
  Reactor* Query(Context* context, Response* response, Operation operation);
  // On the operation queue.
  template <typename Response, typename Operation>
  Reactor* Read(Context* context, Response* response, Operation operation);
  template <typename Response, typename Operation>
  Reactor* Change(Context* context, Response* response, Operation operation);
  // Why a change whose turn has come is not to begin.
  absl::Status CheckBegins(const Context& context) const;

  // On the query queue's thread.
  void Publish();

  const Parts parts_;
  std::atomic<bool> publishing_ = false;
  // The query queue was full when there was news.
  std::atomic<bool> publish_missed_ = false;
};

}  // namespace hotplugger::agent
