// Watches that go on through the losses of a controller.
#pragma once

#include <functional>
#include <stop_token>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "client/command.h"
#include "common/backoff.h"

namespace hotplugger::client::fleet {

// Makes one call of a watch after another. Tells on standard error when the controller is lost, and
// when it answers again. Not safe for concurrent use.
class Follower {
 public:
  // One call, which takes up where the last one left off.
  using Watch = std::function<absl::Status(const FleetClient::WatchEnd& end)>;

  // Goes on until an interrupt, but no longer than `longest`.
  explicit Follower(Session& session, absl::Duration longest = absl::InfiniteDuration());

  // Until a call ends ok, an interrupt comes or time is over: all of these are ok, but for a
  // controller that is away when time is over. An error that waiting doesn't mend ends it too, and
  // UNAVAILABLE where the controller was never reached for as long as any call is tried again.
  absl::Status Run(const Watch& watch);

  // To be called with every answer, and where another call was answered.
  void NoteAnswer();

  bool was_interrupted() const { return stop_.stop_requested(); }

 private:
  // For how long a first answer is waited for.
  absl::Duration FirstAnswer() const;
  absl::Duration Elapsed() const { return session_.steady_clock.Now() - begun_; }
  void NoteLoss(const absl::Status& status);
  // False where it was interrupted.
  bool Pause();

  Session& session_;
  const absl::Duration longest_;
  const absl::Time begun_;
  const std::stop_token stop_;
  Backoff backoff_;
  bool ever_answered_ = false;
  bool ever_reached_ = false;
  // How the last call ended, since which nobody has answered; ok: somebody has.
  absl::Status lost_;
  bool told_ = false;
};

// What a wait ends with that an interrupt ended, and one that was told nothing within `longest`.
absl::Status WaitInterrupted();
absl::Status NotAnswered(absl::Duration longest);

// The end of a verb that goes on until it is interrupted.
absl::StatusOr<ExitCode> EndWatch(const absl::Status& ended, Session& session);

}  // namespace hotplugger::client::fleet
