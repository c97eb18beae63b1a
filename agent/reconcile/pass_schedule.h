// When the next pass is due: soon after a change, later after a failure, later still in a fight.
#pragma once

#include "absl/time/time.h"
#include "common/backoff.h"

namespace hotplugger::agent {

// How a pass ended, as far as it says when the next one is due.
struct PassOutcome {
  // Somebody had switched back what an earlier pass had done.
  bool reverted = false;
  // The same but for the proof: what was done was undone, or did not last.
  bool disputed = false;
  // Something failed that may succeed soon.
  bool transient = false;
};

// Without a thread or a clock of its own: the caller says what time it is. Not safe for concurrent
// use.
class PassSchedule {
 public:
  struct Options {
    // A look at the host even if nobody announced a change.
    absl::Duration slow_interval;
    // From the first sign of a change to the look at it.
    absl::Duration settle;
    // Between passes after failures, between passes that undo what somebody else does, and, from
    // the base to the cap without a jitter, between tries of what could not be begun.
    Backoff::Options retry;
  };

  // What is due. A look only tells, for the time in which what somebody does is not undone.
  enum class Due { kNothing, kPass, kLook };

  // A host that has been left alone this long is at peace: drift is met at once again.
  static constexpr absl::Duration kPeace = absl::Minutes(2);

  // The first pass is due at once.
  explicit PassSchedule(const Options& options);

  // Something on the host may have changed.
  void NoteChange(absl::Time now);
  // A spec has come: the pass that takes it is due at once.
  void NoteOffer();
  // Another spec is in force: what was fought over is over.
  void NoteNewSpec() { backoff_.Reset(); }
  void NotePass(const PassOutcome& outcome, absl::Time now);
  // A pass, or one with the spec that has come, could not be begun.
  void PostponePass(absl::Time now);
  void PostponeOffer(absl::Time now);

  // What is due now, and thereby done with. After kNothing: ask again at next().
  Due Take(absl::Time now);
  // A pass for another reason: it sees all changes up to now.
  void TakePass() { changed_ = false; }

  // Of passes and looks, if nothing happens until then.
  absl::Time next() const;
  // When the pass that takes a spec is due.
  absl::Time offer_due() const { return offer_due_; }
  // How long passes wait since the last one; zero where they need not.
  absl::Duration delay() const { return delay_; }

 private:
  const Options options_;
  Backoff backoff_;
  bool changed_ = true;
  // When the first change was announced that has not been looked at.
  absl::Time changed_at_ = absl::InfinitePast();
  absl::Time next_look_ = absl::InfinitePast();
  // No pass before this, however many changes come: two actors that undo each other must not spin.
  absl::Time not_before_ = absl::InfinitePast();
  absl::Time offer_due_ = absl::InfinitePast();
  // When something was last amiss.
  absl::Time last_trouble_ = absl::InfinitePast();
  absl::Duration delay_;
  // How long the next postponement lasts.
  absl::Duration pass_wait_;
  absl::Duration offer_wait_;
  // Whether what happens while a delay runs, since something was switched back, is to be looked at.
  bool may_look_ = false;
};

}  // namespace hotplugger::agent
