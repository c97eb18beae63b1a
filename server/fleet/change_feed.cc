#include "server/fleet/change_feed.h"

#include <algorithm>
#include <utility>

#include "common/clock.h"

namespace hotplugger::server {
namespace {

// Every wait has a deadline; this one means nothing.
constexpr absl::Duration kIdle = absl::Minutes(10);

}  // namespace

void ChangeFeed::Put(Key key, std::shared_ptr<const v1::WatchFleetResponse> event) {
  MutexLock lock(&mutex_);
  int64_t& version = versions_[key];
  changes_.erase(version);
  gone_.erase(version);
  version = ++last_version_;
  changes_[version] = {version, std::move(key), /*gone=*/false, std::move(event)};
  changed_.NotifyAll();
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
  changed_.NotifyAll();
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

void ChangeFeed::AddListener(const std::shared_ptr<Listener>& listener) {
  MutexLock lock(&mutex_);
  // Those that have ended would pile up in a fleet in which nothing changes.
  listeners_.erase(std::remove_if(listeners_.begin(), listeners_.end(),
                                  [](const auto& other) { return other.expired(); }),
                   listeners_.end());
  listeners_.push_back(listener);
}

void ChangeFeed::Stop() {
  {
    MutexLock lock(&mutex_);
    stopped_ = true;
    changed_.NotifyAll();
  }
  if (thread_.joinable()) thread_.join();
}

void ChangeFeed::Run() {
  for (;;) {
    std::vector<std::shared_ptr<Listener>> listeners;
    {
      MutexLock lock(&mutex_);
      while (!stopped_ && told_version_ == last_version_) {
        changed_.WaitUntil(&mutex_, SteadyNow() + kIdle);
      }
      // What comes in a burst is told once.
      const absl::Time due = SteadyNow() + kInterval;
      while (!stopped_ && SteadyNow() < due) changed_.WaitUntil(&mutex_, due);
      if (stopped_) return;
      told_version_ = last_version_;
      std::vector<std::weak_ptr<Listener>> still;
      for (const std::weak_ptr<Listener>& weak : listeners_) {
        if (std::shared_ptr<Listener> listener = weak.lock()) {
          listeners.push_back(std::move(listener));
          still.push_back(weak);
        }
      }
      listeners_ = std::move(still);
    }
    for (const std::shared_ptr<Listener>& listener : listeners) listener->FeedChanged();
  }
}

}  // namespace hotplugger::server
