#include "agent/reconcile/pass_schedule.h"

#include <algorithm>
#include <utility>

namespace hotplugger::agent {

PassSchedule::PassSchedule(const Options& options)
    : options_(options),
      backoff_(options.retry),
      pass_wait_(options.retry.base),
      offer_wait_(options.retry.base) {}

void PassSchedule::NoteChange(absl::Time now) {
  if (!std::exchange(changed_, true)) changed_at_ = now;
}

// Whatever changes again under the same spec is a fight, also where something else fails for good:
// a driver that can't start and is undone each time, or a CPU that somebody brings back.
void PassSchedule::NotePass(const PassOutcome& outcome, absl::Time now) {
  const bool fights = outcome.reverted || outcome.disputed;
  const bool trouble = fights || outcome.transient;
  if (!trouble && now - last_trouble_ > kPeace) backoff_.Reset();
  if (trouble) last_trouble_ = now;
  next_look_ = now + options_.slow_interval;
  not_before_ = absl::InfinitePast();
  pass_wait_ = options_.retry.base;
  delay_ = trouble ? backoff_.Next() : absl::ZeroDuration();
  if (fights) not_before_ = now + delay_;
  // What may succeed soon is tried again by itself; meanwhile the drift of others is met at once.
  if (outcome.transient) next_look_ = now + delay_;
  may_look_ = outcome.reverted;
}

void PassSchedule::NoteOffer() {
  offer_due_ = absl::InfinitePast();
  offer_wait_ = options_.retry.base;
}

void PassSchedule::PostponePass(absl::Time now) {
  next_look_ = not_before_ = now + pass_wait_;
  pass_wait_ = std::min(pass_wait_ * 2, options_.retry.cap);
  changed_ = true;
}

void PassSchedule::PostponeOffer(absl::Time now) {
  offer_due_ = now + offer_wait_;
  offer_wait_ = std::min(offer_wait_ * 2, options_.retry.cap);
}

absl::Time PassSchedule::next() const {
  return std::max(changed_ ? std::min(changed_at_ + options_.settle, next_look_) : next_look_,
                  not_before_);
}

PassSchedule::Due PassSchedule::Take(absl::Time now) {
  if (now >= next()) {
    changed_ = false;
    return Due::kPass;
  }
  // Once per delay: what was seen then stays true until the next pass, as far as anybody knows.
  if (changed_ && std::exchange(may_look_, false)) return Due::kLook;
  return Due::kNothing;
}

}  // namespace hotplugger::agent
