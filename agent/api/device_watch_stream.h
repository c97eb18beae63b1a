// One WatchDevices call: the gRPC side of it and nothing else.
#pragma once

#include <grpcpp/grpcpp.h>

#include <functional>
#include <memory>

#include "absl/status/status.h"
#include "common/mutex.h"
#include "hotplugger/v1/host_service.pb.h"

namespace hotplugger::agent {

// Keeps itself alive until gRPC's last callback has returned. All methods are safe for concurrent
// use and never block. One write is in flight; what comes meanwhile is merged into one message, so
// that a slow reader costs one inventory at most.
class DeviceWatchStream final : public grpc::ServerWriteReactor<v1::WatchDevicesResponse>,
                                public std::enable_shared_from_this<DeviceWatchStream> {
 public:
  // `done` is called when the call is over, on gRPC's thread.
  static std::shared_ptr<DeviceWatchStream> Create(std::function<void()> done);

  void Send(v1::WatchDevicesResponse news);
  void End(const absl::Status& status);

  void OnWriteDone(bool ok) noexcept override;
  void OnCancel() noexcept override;
  void OnDone() noexcept override;

 private:
  explicit DeviceWatchStream(std::function<void()> done) : done_(std::move(done)) {}

  void WriteNext() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const std::function<void()> done_;
  std::shared_ptr<DeviceWatchStream> self_;

  Mutex mutex_;
  v1::WatchDevicesResponse writing_ ABSL_GUARDED_BY(mutex_);
  v1::WatchDevicesResponse pending_ ABSL_GUARDED_BY(mutex_);
  bool has_pending_ ABSL_GUARDED_BY(mutex_) = false;
  bool in_flight_ ABSL_GUARDED_BY(mutex_) = false;
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace hotplugger::agent
