// One WatchEvents call.
#pragma once

#include <cstdint>

#include "absl/status/status.h"
#include "hotplugger/v1/event_service.pb.h"
#include "server/api/watches.h"
#include "server/fleet/event_log.h"

namespace hotplugger::server {

// What comes after an answer is what the log has when that is written.
class EventWatch final : public WatchStream<v1::WatchEventsResponse> {
 public:
  // Begins, or ends at once with what is wrong. All parts outlive the call.
  static EventWatch* Start(const v1::WatchEventsRequest& request, EventLog* events, uint64_t epoch,
                           Watches* watches);

 private:
  EventWatch(EventLog* events, uint64_t epoch, Watches* watches)
      : WatchStream(watches), events_(events), epoch_(epoch) {}

  absl::Status Read(const v1::WatchEventsRequest& request);
  Next NextLocked(v1::WatchEventsResponse* response) override ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  EventLog* const events_;
  const uint64_t epoch_;
  // Set before the stream begins.
  v1::EventFilter filter_;

  // The answer that comes first, with a token alone, is still to be written.
  bool token_due_ ABSL_GUARDED_BY(mutex_) = false;
  // All up to this sequence has been looked at.
  int64_t after_ ABSL_GUARDED_BY(mutex_) = 0;
  // Since the last answer.
  int64_t missed_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace hotplugger::server
