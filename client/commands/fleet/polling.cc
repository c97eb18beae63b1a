#include "client/commands/fleet/polling.h"

#include <stop_token>

#include "common/status_macros.h"

namespace hotplugger::client::fleet {
namespace {

// Between two looks, in steps: an interrupt is answered after one.
constexpr int kStepsOfAPause = 10;
constexpr absl::Duration kStep = absl::Milliseconds(200);

// False where it was interrupted.
bool Pause(const std::stop_token& stop, Session& session) {
  for (int i = 0; i < kStepsOfAPause && !stop.stop_requested(); ++i) session.pause(kStep);
  return !stop.stop_requested();
}

// A controller that restarts comes back.
bool IsTransient(const absl::Status& status) {
  return absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status);
}

}  // namespace

absl::StatusOr<ExitCode> PollUntilInterrupted(const std::function<absl::Status()>& poll,
                                              Session& session) {
  const std::stop_token stop = session.catch_interrupt();
  RETURN_IF_ERROR(poll());
  bool lost = false;
  while (session.out.good() && Pause(stop, session)) {
    const absl::Status polled = poll();
    if (!polled.ok() && !IsTransient(polled)) return polled;
    if (!polled.ok() && !lost) {
      PrintError(polled, session.err);
      session.err << "trying again until it answers\n";
    } else if (polled.ok() && lost) {
      session.err << "the controller answers again\n";
    }
    lost = !polled.ok();
  }
  session.err << "the watch ended; nothing else was stopped by that\n";
  return session.out.good() ? ExitCode::kOk : ExitCode::kFailure;
}

}  // namespace hotplugger::client::fleet
