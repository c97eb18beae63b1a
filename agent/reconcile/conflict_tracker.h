// Who keeps switching what the spec wants otherwise: told from drift by its stubbornness.
#pragma once

#include <deque>
#include <map>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace hotplugger::agent {

// Counts, by device or driver, how often something else has switched it back. Pure but for its
// memory; the caller says what time it is. Not safe for concurrent use.
class ConflictTracker {
 public:
  // So many reversions within so long are no accident: a fight (kernel 8, row 24).
  static constexpr size_t kReversions = 3;
  static constexpr absl::Duration kWindow = absl::Minutes(10);

  void NoteReversion(absl::string_view subject, absl::Time now);
  // A new spec: what was done under the old one says nothing.
  void Clear() { reversions_.clear(); }

  // Reversions of `subject` within the window.
  size_t Count(absl::string_view subject, absl::Time now) const;
  bool IsConflict(absl::string_view subject, absl::Time now) const {
    return Count(subject, now) >= kReversions;
  }

  // For a person: how often, that Hotplugger goes on after `delay`, and where to look.
  std::string Describe(absl::string_view subject, absl::Time now, absl::Duration delay) const;

 private:
  // By subject; at most kMaxKept times each, which is all that a count needs.
  static constexpr size_t kMaxKept = 1000;
  std::map<std::string, std::deque<absl::Time>> reversions_;
};

}  // namespace hotplugger::agent
