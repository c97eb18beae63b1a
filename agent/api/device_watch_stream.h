// One WatchDevices call: the gRPC side of it and nothing else.
#pragma once

#include <grpcpp/grpcpp.h>

#include <functional>
#include <memory>

#include "absl/status/status.h"
#include "agent/reconcile/device_watch.h"
#include "common/mutex.h"
#include "hotplugger/v1/host_service.pb.h"

namespace hotplugger::agent {

// Keeps itself alive until gRPC's last callback has returned. All methods are safe for concurrent
// use and never block. One write is in flight; what comes meanwhile is merged into one message, so
// that a slow reader costs one inventory at most.
class DeviceWatchStream final : public DeviceWatcher,
                                public grpc::ServerWriteReactor<v1::WatchDevicesResponse> {
 public:
  // `done` is called when the call is over, on gRPC's thread, with what SetId was given.
  static std::shared_ptr<DeviceWatchStream> Create(std::function<void(uint64_t id)> done);

  // Before gRPC is given the stream.
  void SetId(uint64_t id) { id_ = id; }

  void Send(v1::WatchDevicesResponse news) override;
  void End(const absl::Status& status) override;

  void OnWriteDone(bool ok) noexcept override;
  void OnCancel() noexcept override;
  void OnDone() noexcept override;

 private:
  explicit DeviceWatchStream(std::function<void(uint64_t id)> done) : done_(std::move(done)) {}

  void WriteNext() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const std::function<void(uint64_t id)> done_;
  uint64_t id_ = 0;
  std::shared_ptr<DeviceWatchStream> self_;

  Mutex mutex_;
  v1::WatchDevicesResponse writing_ ABSL_GUARDED_BY(mutex_);
  v1::WatchDevicesResponse pending_ ABSL_GUARDED_BY(mutex_);
  bool has_pending_ ABSL_GUARDED_BY(mutex_) = false;
  bool in_flight_ ABSL_GUARDED_BY(mutex_) = false;
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace hotplugger::agent
