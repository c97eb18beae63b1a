// Who wants to hear when devices change.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "google/protobuf/repeated_field.h"
#include "hotplugger/v1/host_service.pb.h"

namespace hotplugger::agent {

// Not safe for concurrent use: belongs to the operation queue's thread.
class DeviceWatch {
 public:
  // More are refused.
  static constexpr size_t kMaxWatchers = 64;

  // Takes what has changed; quick, never blocks. It must merge what it can't send at once, for
  // nobody waits for it.
  using Sink = std::function<void(v1::WatchDevicesResponse)>;

  // Tells `sink` all devices of `kinds` (empty: of any kind) at the next Publish, then changes. 0:
  // there are too many watchers.
  uint64_t Add(std::vector<v1::DeviceKind> kinds, Sink sink);
  void Remove(uint64_t id);
  bool empty() const { return watchers_.empty(); }

  // Tells each watcher what is new to it: all devices now, in order.
  void Publish(const std::vector<v1::Device>& devices);

 private:
  struct Watcher {
    std::vector<v1::DeviceKind> kinds;
    Sink sink;
    bool told = false;
    // What it has been told, serialized, by name.
    std::map<std::string, std::string> known;
  };

  static void Tell(const std::vector<v1::Device>& devices, Watcher* watcher);

  uint64_t next_id_ = 1;
  std::map<uint64_t, Watcher> watchers_;
};

// Adds what `later` says to `earlier`, which has not been sent yet: the later word on each device
// counts.
void MergeChanges(v1::WatchDevicesResponse later, v1::WatchDevicesResponse* earlier);

}  // namespace hotplugger::agent
