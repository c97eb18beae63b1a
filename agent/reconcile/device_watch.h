// Who wants to hear when devices change.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "common/mutex.h"
#include "hotplugger/v1/host_service.pb.h"

namespace hotplugger::agent {

// Safe for concurrent use; never blocks.
class DeviceWatcher {
 public:
  virtual ~DeviceWatcher() = default;

  // Takes what has changed, and merges what it can't send at once: nobody waits for it.
  virtual void Send(v1::WatchDevicesResponse news) = 0;
  // Nothing more comes.
  virtual void End(const absl::Status& status) = 0;
};

// Safe for concurrent use, but for Publish and Fail, which are one thread's.
class DeviceWatch {
 public:
  // More are refused.
  static constexpr size_t kMaxWatchers = 64;

  // Tells `watcher` all devices of `kinds` (empty: of any kind) at the next Publish, then changes.
  // Answers its id, or 0: there are too many.
  uint64_t Add(std::vector<v1::DeviceKind> kinds, std::shared_ptr<DeviceWatcher> watcher);
  void Remove(uint64_t id);
  bool empty();

  // Tells each watcher what is new to it: all devices now, in order.
  void Publish(const std::vector<v1::Device>& devices);

  // The devices can't be read: ends every watch.
  void Fail(const absl::Status& status);

 private:
  struct Watch {
    std::vector<v1::DeviceKind> kinds;
    std::shared_ptr<DeviceWatcher> watcher;
    // Whether it has been told all that is in `known_`.
    bool told = false;
  };
  struct Known {
    v1::DeviceKind kind;
    std::string bytes;
  };

  static bool Wants(const Watch& watch, v1::DeviceKind kind);
  std::vector<const v1::Device*> TakeChanged(const std::vector<v1::Device>& devices)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  std::vector<std::pair<std::string, v1::DeviceKind>> TakeRemoved(
      const std::vector<v1::Device>& devices) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  Mutex mutex_;
  uint64_t next_id_ ABSL_GUARDED_BY(mutex_) = 1;
  std::map<uint64_t, Watch> watches_ ABSL_GUARDED_BY(mutex_);
  // What was published last, serialized, by name; empty while nobody watches.
  std::map<std::string, Known> known_ ABSL_GUARDED_BY(mutex_);
};

// Adds what `later` says to `earlier`, which has not been sent yet: the later word on each device
// counts.
void MergeChanges(v1::WatchDevicesResponse later, v1::WatchDevicesResponse* earlier);

}  // namespace hotplugger::agent
