#include "agent/reconcile/device_watch.h"

#include <algorithm>
#include <set>
#include <utility>

namespace hotplugger::agent {

uint64_t DeviceWatch::Add(std::vector<v1::DeviceKind> kinds, Sink sink) {
  if (watchers_.size() >= kMaxWatchers) return 0;
  const uint64_t id = next_id_++;
  Watcher& watcher = watchers_[id];
  watcher.kinds = std::move(kinds);
  watcher.sink = std::move(sink);
  return id;
}

void DeviceWatch::Remove(uint64_t id) { watchers_.erase(id); }

void DeviceWatch::Publish(const std::vector<v1::Device>& devices) {
  for (auto& [id, watcher] : watchers_) Tell(devices, &watcher);
}

void DeviceWatch::Tell(const std::vector<v1::Device>& devices, Watcher* watcher) {
  v1::WatchDevicesResponse news;
  std::map<std::string, std::string> now;
  for (const v1::Device& device : devices) {
    const bool wanted = watcher->kinds.empty() ||
                        std::find(watcher->kinds.begin(), watcher->kinds.end(), device.kind()) !=
                            watcher->kinds.end();
    if (!wanted) continue;
    std::string bytes = device.SerializeAsString();
    const auto known = watcher->known.find(device.name());
    if (known == watcher->known.end() || known->second != bytes) *news.add_devices() = device;
    now.emplace(device.name(), std::move(bytes));
  }
  for (const auto& [name, bytes] : watcher->known) {
    if (now.count(name) == 0) news.add_removed(name);
  }
  watcher->known = std::move(now);
  if (std::exchange(watcher->told, true) && news.devices().empty() && news.removed().empty()) {
    return;
  }
  watcher->sink(std::move(news));
}

void MergeChanges(v1::WatchDevicesResponse later, v1::WatchDevicesResponse* earlier) {
  std::set<std::string> told(later.removed().begin(), later.removed().end());
  for (const v1::Device& device : later.devices()) told.insert(device.name());
  auto* devices = earlier->mutable_devices();
  devices->erase(
      std::remove_if(devices->begin(), devices->end(),
                     [&told](const auto& device) { return told.count(device.name()) > 0; }),
      devices->end());
  auto* removed = earlier->mutable_removed();
  removed->erase(std::remove_if(removed->begin(), removed->end(),
                                [&told](const auto& name) { return told.count(name) > 0; }),
                 removed->end());
  earlier->MergeFrom(later);
}

}  // namespace hotplugger::agent
