#include "agent/reconcile/conflict_tracker.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace hotplugger::agent {

void ConflictTracker::NoteReversion(absl::string_view subject, absl::Time now) {
  std::deque<absl::Time>& times = reversions_[std::string(subject)];
  times.push_back(now);
  while (times.size() > kMaxKept || times.front() <= now - kWindow) times.pop_front();
}

size_t ConflictTracker::Count(absl::string_view subject, absl::Time now) const {
  const auto found = reversions_.find(std::string(subject));
  if (found == reversions_.end()) return 0;
  return static_cast<size_t>(
      std::count_if(found->second.begin(), found->second.end(),
                    [now](absl::Time time) { return time > now - kWindow; }));
}

std::string ConflictTracker::Describe(absl::string_view subject, absl::Time now,
                                      absl::Duration delay) const {
  const absl::string_view suspects =
      absl::StartsWith(subject, "driver/")
          ? "a service that starts drivers, or another registry"
          : "a udev rule that writes to `online` or `state`, a daemon such as "
            "cpuplugd or tuned, or a person";
  return absl::StrCat("something else has switched ", subject, " back ", Count(subject, now),
                      " times within ", absl::FormatDuration(kWindow), " (", suspects,
                      "); Hotplugger undoes it again with growing delays, next after ",
                      absl::FormatDuration(absl::Trunc(delay, absl::Milliseconds(1))));
}

}  // namespace hotplugger::agent
