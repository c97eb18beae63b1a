#include "client/commands/fleet/following.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "client/retrying_fleet_client.h"
#include "common/error_info.h"
#include "common/status_macros.h"

namespace hotplugger::client::fleet {
namespace {

constexpr Backoff::Options kBackoff = {absl::Milliseconds(250), absl::Seconds(5)};
// A controller that is there, but has never answered, is given up after so long.
constexpr absl::Duration kFirstAnswer = absl::Seconds(10);
constexpr absl::Duration kShortestPause = absl::Milliseconds(100);
// An interrupt is answered after one.
constexpr absl::Duration kStep = absl::Milliseconds(200);

// A controller that restarts comes back.
bool IsLoss(const absl::Status& status) {
  return IsWorthARetry(status) ||
         (absl::IsDeadlineExceeded(status) && ErrorReason(status) == "NO_ANSWER");
}

}  // namespace

Follower::Follower(Session& session, absl::Duration longest)
    : session_(session),
      longest_(longest),
      begun_(session.steady_clock.Now()),
      stop_(session.catch_interrupt()),
      backoff_(kBackoff) {}

absl::Status Follower::Run(const Watch& watch) {
  while (true) {
    const absl::Duration left = longest_ - Elapsed();
    if (left <= absl::ZeroDuration()) return lost_;
    const absl::Status ended = watch({stop_, left});
    if (ended.ok() || was_interrupted()) return absl::OkStatus();
    if (!IsLoss(ended)) return ended;
    // One that never answered has had its time.
    ever_reached_ = ever_reached_ || !IsUnreached(ended);
    if (!ever_answered_ && (absl::IsDeadlineExceeded(ended) || Elapsed() >= FirstAnswer())) {
      return ended;
    }
    NoteLoss(ended);
    if (!Pause()) return absl::OkStatus();
  }
}

absl::Duration Follower::FirstAnswer() const {
  if (ever_reached_) return kFirstAnswer;
  return session_.flags.timeout.value_or(kFirstContact);
}

void Follower::NoteAnswer() {
  ever_answered_ = true;
  backoff_.Reset();
  if (lost_.ok()) return;
  lost_ = absl::OkStatus();
  if (told_) session_.err << "the controller answers again\n";
  told_ = false;
}

void Follower::NoteLoss(const absl::Status& status) {
  const bool is_new = lost_.ok();
  lost_ = status;
  // That a watch has a gap everybody is told; that it didn't begin yet, whoever sits and waits.
  if (!is_new || (!ever_answered_ && !session_.tells_retries)) return;
  PrintError(status, session_.err);
  session_.err << "trying again until it answers\n" << std::flush;
  told_ = true;
}

bool Follower::Pause() {
  absl::Duration left = std::max(backoff_.Next(), kShortestPause);
  left = std::min(left, longest_ - Elapsed());
  // The last try comes when its time is over, not whenever the die says.
  if (!ever_answered_) left = std::min(left, FirstAnswer() - Elapsed());
  while (left > absl::ZeroDuration() && !stop_.stop_requested()) {
    const absl::Duration step = std::min(left, kStep);
    session_.pause(step);
    left -= step;
  }
  return !stop_.stop_requested();
}

absl::Status WaitInterrupted() {
  return MakeError(absl::StatusCode::kCancelled, "INTERRUPTED",
                   "interrupted; nothing else was stopped by that");
}

absl::Status NotAnswered(absl::Duration longest) {
  return MakeError(absl::StatusCode::kDeadlineExceeded, "NO_ANSWER",
                   absl::StrCat("asked the controller what there is, which did not tell within ",
                                absl::FormatDuration(longest),
                                "; it hangs or has too much to do: look at its log, or wait longer "
                                "with --timeout"),
                   {{"address", "the controller's"}});
}

absl::StatusOr<ExitCode> EndWatch(const absl::Status& ended, Session& session) {
  RETURN_IF_ERROR(ended);
  session.err << "the watch ended; nothing else was stopped by that\n";
  return session.out.good() ? ExitCode::kOk : ExitCode::kFailure;
}

}  // namespace hotplugger::client::fleet
