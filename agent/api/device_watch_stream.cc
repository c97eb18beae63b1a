#include "agent/api/device_watch_stream.h"

#include <utility>

#include "common/transport/grpc_status.h"

namespace hotplugger::agent {

std::shared_ptr<DeviceWatchStream> DeviceWatchStream::Create(
    std::function<void(uint64_t id)> done) {
  std::shared_ptr<DeviceWatchStream> stream(new DeviceWatchStream(std::move(done)));
  stream->self_ = stream;
  return stream;
}

void DeviceWatchStream::Send(v1::WatchDevicesResponse news) {
  MutexLock lock(&mutex_);
  if (finished_) return;
  MergeChanges(std::move(news), &pending_);
  has_pending_ = true;
  WriteNext();
}

void DeviceWatchStream::WriteNext() {
  if (in_flight_ || !has_pending_) return;
  writing_ = std::exchange(pending_, v1::WatchDevicesResponse());
  has_pending_ = false;
  in_flight_ = true;
  StartWrite(&writing_);
}

void DeviceWatchStream::End(const absl::Status& status) {
  MutexLock lock(&mutex_);
  if (std::exchange(finished_, true)) return;
  Finish(ToGrpcStatus(status));
}

void DeviceWatchStream::OnWriteDone(bool ok) noexcept {
  if (!ok) {
    End(absl::CancelledError("the watcher is gone"));
    return;
  }
  MutexLock lock(&mutex_);
  in_flight_ = false;
  if (!finished_) WriteNext();
}

void DeviceWatchStream::OnCancel() noexcept { End(absl::CancelledError("the watch was ended")); }

void DeviceWatchStream::OnDone() noexcept {
  // The last share may be ours: it goes when this function has returned.
  const std::shared_ptr<DeviceWatchStream> self = std::move(self_);
  done_(id_);
}

}  // namespace hotplugger::agent
