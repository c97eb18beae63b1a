#include "client/commands/fleet/wait_gone.h"

#include <algorithm>
#include <functional>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "client/list_all.h"
#include "client/text.h"
#include "common/error_info.h"
#include "common/proto_time.h"
#include "common/status_macros.h"

namespace hotplugger::client::fleet {
namespace {

constexpr absl::Duration kPollInterval = absl::Milliseconds(250);

// Whether it is there still, for a person; "" where it is gone.
using Look = std::function<absl::StatusOr<std::string>()>;

absl::StatusOr<ExitCode> WaitUntilGone(const std::string& subject, const Look& look,
                                       absl::Duration timeout, Session& session) {
  const absl::Time deadline = session.clock.Now() + timeout;
  absl::StatusOr<std::string> found = look();
  // A first call that fails is a wrong address or a wrong name: no reason to wait.
  RETURN_IF_ERROR(found.status());
  while (true) {
    if (found.ok() && found->empty()) {
      session.out << Printable(subject) << " is gone\n";
      return ExitCode::kOk;
    }
    const absl::Duration left = deadline - session.clock.Now();
    if (left <= absl::ZeroDuration()) break;
    session.pause(std::min(kPollInterval, left));
    found = look();
    // A controller that restarts comes back.
    if (!found.ok() && !absl::IsUnavailable(found.status()) &&
        !absl::IsDeadlineExceeded(found.status())) {
      return found.status();
    }
  }
  RETURN_IF_ERROR(found.status());
  return MakeError(absl::StatusCode::kDeadlineExceeded, "WAIT_TIMEOUT",
                   absl::StrCat("after ", absl::FormatDuration(timeout), " ", Printable(subject),
                                " is there still: ", *found));
}

}  // namespace

absl::StatusOr<ExitCode> WaitUntilPolicyIsGone(const std::string& name, absl::Duration timeout,
                                               Session& session) {
  const auto look = [&]() -> absl::StatusOr<std::string> {
    v1::GetPolicyRequest request;
    request.set_name(name);
    const absl::StatusOr<v1::GetPolicyResponse> response = session.fleet->GetPolicy(request);
    if (absl::IsNotFound(response.status())) return "";
    RETURN_IF_ERROR(response.status());
    return absl::StrCat("revision ", response->policy().revision());
  };
  return WaitUntilGone(absl::StrCat("policy/", name), look, timeout, session);
}

absl::StatusOr<ExitCode> WaitUntilHoldIsGone(const std::string& node, const std::string& subject,
                                             absl::Duration timeout, Session& session) {
  const auto look = [&]() -> absl::StatusOr<std::string> {
    ASSIGN_OR_RETURN(const v1::ListHoldsResponse holds, ListAllHolds(*session.fleet, node));
    for (const v1::Hold& hold : holds.holds()) {
      // Drivers' names are stored in lower case.
      if (!absl::EqualsIgnoreCase(hold.subject(), subject)) continue;
      if (!hold.has_expire_time()) return "it has no end; `hotplugctl release` ends it";
      return absl::StrCat("it ends ",
                          FormatUntil(ToTime(hold.expire_time()) - session.clock.Now()));
    }
    return "";
  };
  return WaitUntilGone(absl::StrCat("hold/", node, "/", subject), look, timeout, session);
}

}  // namespace hotplugger::client::fleet
