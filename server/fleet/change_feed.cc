#include "server/fleet/change_feed.h"

#include <algorithm>
#include <utility>

namespace hotplugger::server {

void ChangeFeed::Put(Key key, std::shared_ptr<const v1::WatchFleetResponse> event) {
  MutexLock lock(&mutex_);
  int64_t& version = versions_[key];
  changes_.erase(version);
  gone_.erase(version);
  version = ++last_version_;
  changes_[version] = {version, std::move(key), /*gone=*/false, std::move(event)};
  announcer_.Announce();
}

void ChangeFeed::Erase(const Key& key) {
  MutexLock lock(&mutex_);
  const auto found = versions_.find(key);
  if (found == versions_.end() || gone_.count(found->second) > 0) return;
  changes_.erase(found->second);
  found->second = ++last_version_;
  changes_[last_version_] = {last_version_, key, /*gone=*/true, nullptr};
  gone_.insert(last_version_);
  PruneLocked();
  announcer_.Announce();
}

void ChangeFeed::PruneLocked() {
  while (gone_.size() > kMaxGone) {
    const int64_t oldest = *gone_.begin();
    gone_.erase(gone_.begin());
    versions_.erase(changes_.at(oldest).key);
    changes_.erase(oldest);
    forgotten_version_ = oldest;
  }
}

int64_t ChangeFeed::last_version() {
  MutexLock lock(&mutex_);
  return last_version_;
}

bool ChangeFeed::CanResume(int64_t version) {
  MutexLock lock(&mutex_);
  return version >= forgotten_version_ && version <= last_version_;
}

std::optional<ChangeFeed::Change> ChangeFeed::Next(int64_t version, const std::set<Kind>& kinds,
                                                   int64_t* looked) {
  MutexLock lock(&mutex_);
  for (auto it = changes_.upper_bound(version); it != changes_.end(); ++it) {
    if (kinds.count(it->second.key.kind) == 0) continue;
    *looked = it->first;
    return it->second;
  }
  *looked = std::max(version, last_version_);
  return std::nullopt;
}

}  // namespace hotplugger::server
