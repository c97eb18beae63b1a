// What has changed in the fleet since when: for those who watch it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>

#include "common/announcer.h"
#include "common/mutex.h"
#include "hotplugger/v1/watch_service.pb.h"

namespace hotplugger::server {

// Each thing that there is has the version of its last change, and so have the last of those that
// are gone; so memory is bounded by what there is, and whoever reads slowly misses states and no
// outcome. Safe for concurrent use; under its lock it calls its announcer alone, which calls nobody
// in turn.
class ChangeFeed {
 public:
  using Kind = v1::WatchFleetRequest::Kind;

  // What changed. A kind and the name that it has among its like: "NODE/SUBJECT" of a hold.
  struct Key {
    Kind kind = v1::WatchFleetRequest::KIND_UNSPECIFIED;
    std::string name;

    bool operator<(const Key& other) const {
      return std::tie(kind, name) < std::tie(other.kind, other.name);
    }
    bool operator==(const Key&) const = default;
  };

  struct Change {
    int64_t version = 0;
    Key key;
    bool gone = false;
    // What it is now; null for a node, whose state is asked of the registry.
    std::shared_ptr<const v1::WatchFleetResponse> event;
  };

  // So many that are gone are remembered.
  static constexpr size_t kMaxGone = 10'000;

  // It came, or is another one than before.
  void Put(Key key, std::shared_ptr<const v1::WatchFleetResponse> event = nullptr);
  void Erase(const Key& key);

  // The version of the last change.
  int64_t last_version();
  // Whether somebody who has seen all up to `version` can be told what has happened since.
  bool CanResume(int64_t version);
  // The first change after `version` of one of `kinds`. `*looked` becomes the version up to which
  // there is none, or the change's own.
  std::optional<Change> Next(int64_t version, const std::set<Kind>& kinds, int64_t* looked);

  // Told of changes from now on.
  void AddListener(const std::shared_ptr<Announcer::Listener>& listener) {
    announcer_.AddListener(listener);
  }

  // Tells nobody any more. May be called again.
  void Stop() { announcer_.Stop(); }

 private:
  void PruneLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  Mutex mutex_;
  int64_t last_version_ ABSL_GUARDED_BY(mutex_) = 0;
  // Of what was forgotten, the latest: whoever has seen less can't resume.
  int64_t forgotten_version_ ABSL_GUARDED_BY(mutex_) = 0;
  std::map<int64_t, Change> changes_ ABSL_GUARDED_BY(mutex_);
  std::map<Key, int64_t> versions_ ABSL_GUARDED_BY(mutex_);
  // Versions of those that are gone.
  std::set<int64_t> gone_ ABSL_GUARDED_BY(mutex_);
  Announcer announcer_;
};

}  // namespace hotplugger::server
