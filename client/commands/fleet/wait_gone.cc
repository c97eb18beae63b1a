#include "client/commands/fleet/wait_gone.h"

#include <functional>
#include <optional>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "client/commands/fleet/following.h"
#include "client/text.h"
#include "common/error_info.h"
#include "common/proto_time.h"
#include "common/status_macros.h"

namespace hotplugger::client::fleet {
namespace {

// What is waited for.
struct Subject {
  v1::WatchFleetRequest::Kind kind = v1::WatchFleetRequest::KIND_UNSPECIFIED;
  std::string name = "";
  // Whether an answer, of its kind, is about it.
  std::function<bool(const v1::WatchFleetResponse& answer)> is_it = nullptr;
  // How it is, for a person.
  std::function<std::string(const v1::WatchFleetResponse& answer)> describe = nullptr;
};

bool IsOfGone(const v1::WatchFleetResponse& answer) {
  return answer.has_deleted_policy() || answer.has_deleted_hold();
}

absl::StatusOr<ExitCode> WaitUntilGone(const Subject& subject, absl::Duration timeout,
                                       Session& session) {
  v1::WatchFleetRequest request;
  request.add_kinds(subject.kind);
  Follower follower(session, timeout);
  std::optional<v1::WatchFleetResponse> found;
  bool synced = false;
  const auto take = [&](const v1::WatchFleetResponse& answer) {
    follower.NoteAnswer();
    request.set_resume_token(answer.resume_token());
    if (answer.has_reset()) {
      found.reset();
      synced = false;
    } else if (answer.has_synced()) {
      synced = true;
    } else if (subject.is_it(answer)) {
      found = IsOfGone(answer) ? std::nullopt : std::optional(answer);
    }
    return !synced || found.has_value();
  };
  RETURN_IF_ERROR(follower.Run([&](const FleetClient::WatchEnd& end) {
    return session.fleet->WatchFleet(request, take, end);
  }));
  if (synced && !found) {
    session.out << Printable(subject.name) << " is gone\n";
    return ExitCode::kOk;
  }
  if (follower.was_interrupted()) return WaitInterrupted();
  if (!found) return NotAnswered(timeout);
  return MakeError(
      absl::StatusCode::kDeadlineExceeded, "WAIT_TIMEOUT",
      absl::StrCat("after ", absl::FormatDuration(timeout), " ", Printable(subject.name),
                   " is there still: ", subject.describe(*found)));
}

// How a hold that is there ends.
std::string EndOf(const v1::Hold& hold, absl::Time now) {
  if (!hold.has_expire_time()) return "it has no end; `hotplugctl release` ends it";
  return absl::StrCat("it ends ", FormatUntil(ToTime(hold.expire_time()) - now));
}

}  // namespace

absl::StatusOr<ExitCode> WaitUntilPolicyIsGone(const std::string& name, absl::Duration timeout,
                                               Session& session) {
  Subject subject = {v1::WatchFleetRequest::KIND_POLICIES, absl::StrCat("policy/", name)};
  subject.is_it = [&name](const v1::WatchFleetResponse& answer) {
    return answer.has_policy() ? answer.policy().name() == name : answer.deleted_policy() == name;
  };
  subject.describe = [](const v1::WatchFleetResponse& answer) {
    return absl::StrCat("revision ", answer.policy().revision());
  };
  return WaitUntilGone(subject, timeout, session);
}

absl::StatusOr<ExitCode> WaitUntilHoldIsGone(const std::string& node, const std::string& subject,
                                             absl::Duration timeout, Session& session) {
  // Drivers' names are stored in lower case.
  const auto is_it = [&](const auto& hold) {
    return hold.node() == node && absl::EqualsIgnoreCase(hold.subject(), subject);
  };
  Subject hold = {v1::WatchFleetRequest::KIND_HOLDS, absl::StrCat("hold/", node, "/", subject)};
  hold.is_it = [&is_it](const v1::WatchFleetResponse& answer) {
    return answer.has_hold() ? is_it(answer.hold()) : is_it(answer.deleted_hold());
  };
  hold.describe = [&session](const v1::WatchFleetResponse& answer) {
    return EndOf(answer.hold(), session.clock.Now());
  };
  return WaitUntilGone(hold, timeout, session);
}

}  // namespace hotplugger::client::fleet
