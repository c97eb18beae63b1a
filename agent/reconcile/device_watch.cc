#include "agent/reconcile/device_watch.h"

#include <algorithm>
#include <set>
#include <utility>

namespace hotplugger::agent {

uint64_t DeviceWatch::Add(std::vector<v1::DeviceKind> kinds,
                          std::shared_ptr<DeviceWatcher> watcher) {
  MutexLock lock(&mutex_);
  if (watches_.size() >= kMaxWatchers) return 0;
  const uint64_t id = next_id_++;
  watches_[id] = {.kinds = std::move(kinds), .watcher = std::move(watcher)};
  return id;
}

void DeviceWatch::Remove(uint64_t id) {
  MutexLock lock(&mutex_);
  watches_.erase(id);
  if (watches_.empty()) known_.clear();
}

bool DeviceWatch::empty() {
  MutexLock lock(&mutex_);
  return watches_.empty();
}

bool DeviceWatch::Wants(const Watch& watch, v1::DeviceKind kind) {
  return watch.kinds.empty() ||
         std::find(watch.kinds.begin(), watch.kinds.end(), kind) != watch.kinds.end();
}

// Those of `devices` that are not as they are known; afterwards they are.
std::vector<const v1::Device*> DeviceWatch::TakeChanged(const std::vector<v1::Device>& devices) {
  std::vector<const v1::Device*> changed;
  for (const v1::Device& device : devices) {
    std::string bytes = device.SerializeAsString();
    Known& known = known_[device.name()];
    if (known.bytes == bytes) continue;
    known = {device.kind(), std::move(bytes)};
    changed.push_back(&device);
  }
  return changed;
}

// Those known that `devices` lacks; afterwards they are not known.
std::vector<std::pair<std::string, v1::DeviceKind>> DeviceWatch::TakeRemoved(
    const std::vector<v1::Device>& devices) {
  std::vector<std::pair<std::string, v1::DeviceKind>> removed;
  if (known_.size() == devices.size()) return removed;
  std::set<absl::string_view> there;
  for (const v1::Device& device : devices) there.insert(device.name());
  for (auto it = known_.begin(); it != known_.end();) {
    if (there.count(it->first) > 0) {
      ++it;
      continue;
    }
    removed.emplace_back(it->first, it->second.kind);
    it = known_.erase(it);
  }
  return removed;
}

void DeviceWatch::Publish(const std::vector<v1::Device>& devices) {
  // Told outside the lock: a watcher that ends at once removes itself.
  std::vector<std::pair<std::shared_ptr<DeviceWatcher>, v1::WatchDevicesResponse>> news;
  {
    MutexLock lock(&mutex_);
    if (watches_.empty()) return;
    const std::vector<const v1::Device*> changed = TakeChanged(devices);
    const std::vector<std::pair<std::string, v1::DeviceKind>> removed = TakeRemoved(devices);
    for (auto& [id, watch] : watches_) {
      v1::WatchDevicesResponse response;
      const bool first = !std::exchange(watch.told, true);
      const auto add = [&watch = watch, &response](const v1::Device& device) {
        if (Wants(watch, device.kind())) *response.add_devices() = device;
      };
      if (first) {
        for (const v1::Device& device : devices) add(device);
      } else {
        for (const v1::Device* device : changed) add(*device);
        for (const auto& [name, kind] : removed) {
          if (Wants(watch, kind)) response.add_removed(name);
        }
      }
      const bool nothing_new = response.devices().empty() && response.removed().empty();
      if (first || !nothing_new) news.emplace_back(watch.watcher, std::move(response));
    }
  }
  for (auto& [watcher, response] : news) watcher->Send(std::move(response));
}

void DeviceWatch::Fail(const absl::Status& status) {
  std::map<uint64_t, Watch> watches;
  {
    MutexLock lock(&mutex_);
    watches.swap(watches_);
    known_.clear();
  }
  for (const auto& [id, watch] : watches) watch.watcher->End(status);
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
