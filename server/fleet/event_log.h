// The last events of the fleet, in memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "absl/time/time.h"
#include "common/announcer.h"
#include "common/clock.h"
#include "common/mutex.h"
#include "hotplugger/v1/event.pb.h"
#include "hotplugger/v1/event_service.pb.h"
#include "server/fleet/event_types.h"

namespace hotplugger::server {

// Safe for concurrent use; under its lock it calls its announcer alone, which calls nobody in turn.
// So it may be told under any lock but those that listeners take.
//
// What says of a resource the very thing that the last event said of it is no event. Of one
// resource so many are kept a minute; how many were left out is told with the next one that is
// kept. So a node that flaps crowds out nobody.
class EventLog {
 public:
  static constexpr size_t kMaxKept = 10'000;
  static constexpr int kMaxPerMinute = 20;

  // `clock` outlives this.
  explicit EventLog(Clock* clock) : clock_(clock) {}

  void Add(const NewEvent& event);

  // Of the last event; 0: there was none yet.
  int64_t last_sequence();

  using EventPointer = std::shared_ptr<const v1::Event>;
  // The latest first, those before the sequence `before`: at most `limit` that meet the filter.
  std::vector<EventPointer> List(const v1::EventFilter& filter, int64_t before, size_t limit);

  struct Found {
    // Null: there is none yet.
    EventPointer event;
    // Up to this sequence there is no other one.
    int64_t looked = 0;
    // So many after `after` are no longer kept, whether they met the filter or not.
    int64_t missed = 0;
  };
  // The first one after `after` that meets the filter.
  Found Next(int64_t after, const v1::EventFilter& filter);

  // Told of events from now on.
  void AddListener(const std::shared_ptr<Announcer::Listener>& listener) {
    announcer_.AddListener(listener);
  }

  // Tells nobody any more. May be called again.
  void Stop() { announcer_.Stop(); }

 private:
  // Of a resource that has an event among those that are kept.
  struct Recent {
    EventPointer last;
    // As it was told, without what was left out.
    std::string message;
    absl::Time minute = absl::InfinitePast();
    int in_minute = 0;
    int64_t left_out = 0;
  };

  void AppendLocked(EventPointer event) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  Clock* const clock_;
  Mutex mutex_;
  int64_t last_sequence_ ABSL_GUARDED_BY(mutex_) = 0;
  // The oldest first, without gaps.
  std::deque<EventPointer> events_ ABSL_GUARDED_BY(mutex_);
  std::unordered_map<std::string, Recent> recent_ ABSL_GUARDED_BY(mutex_);
  Announcer announcer_;
};

// Whether all of the filter's conditions hold.
bool MeetsFilter(const v1::Event& event, const v1::EventFilter& filter);

}  // namespace hotplugger::server
