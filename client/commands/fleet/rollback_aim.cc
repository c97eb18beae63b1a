#include "client/commands/fleet/rollback_aim.h"

#include "absl/strings/str_cat.h"
#include "client/policy_file/policy_text.h"
#include "client/text.h"
#include "common/error_info.h"

namespace hotplugger::client::fleet {
namespace {

// What two revisions are compared by.
std::string ContentOf(v1::Policy policy) {
  policy.clear_etag();
  return FormatPolicy(policy);
}

absl::Status RolledBackAlready(const v1::Policy& current, const v1::Policy& earlier) {
  return MakeError(
      absl::StatusCode::kFailedPrecondition, "ROLLED_BACK_ALREADY",
      absl::StrCat("policy ", Printable(current.name()), ", revision ", current.revision(),
                   ", is what revision ", earlier.revision(),
                   " was: it has gone back already, and the revision before would undo that. To go "
                   "on, say where to with --revision N; `hotplugctl history policy ",
                   Printable(current.name()), "` lists them"),
      {{"policy", current.name()}});
}

}  // namespace

absl::StatusOr<int64_t> AimRollback(const v1::Policy& current,
                                    const v1::ListPolicyRevisionsResponse& history) {
  if (history.revisions().empty() || history.revisions(0).revision() != current.revision()) {
    return MakeError(absl::StatusCode::kAborted, "POLICY_CHANGED",
                     absl::StrCat("policy ", Printable(current.name()),
                                  " was changed while it was read; look at `hotplugctl history "
                                  "policy ",
                                  Printable(current.name()), "`, and ask again"));
  }
  if (history.revisions_size() < 2) {
    return MakeError(absl::StatusCode::kFailedPrecondition, "NO_EARLIER_REVISION",
                     absl::StrCat("policy ", Printable(current.name()), " has no revision before ",
                                  current.revision(), " that is still kept"));
  }
  const std::string content = ContentOf(current);
  for (int i = 2; i < history.revisions_size(); ++i) {
    if (ContentOf(history.revisions(i)) == content) {
      return RolledBackAlready(current, history.revisions(i));
    }
  }
  return history.revisions(1).revision();
}

}  // namespace hotplugger::client::fleet
