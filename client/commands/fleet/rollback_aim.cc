#include "client/commands/fleet/rollback_aim.h"

#include <algorithm>
#include <string>

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

absl::Status RolledBackAlready(const v1::Policy& current, const v1::Policy& before,
                               const v1::Policy& earlier) {
  const std::string name = Printable(current.name());
  return MakeError(
      absl::StatusCode::kFailedPrecondition, "ROLLED_BACK_ALREADY",
      absl::StrCat("policy ", name, ", revision ", current.revision(), ", is what revision ",
                   earlier.revision(),
                   " was; where that was a rollback, going to the revision before would undo it. "
                   "If that is meant: `hotplugctl rollback policy ",
                   name, " --revision ", before.revision(), "`; `hotplugctl history policy ", name,
                   "` lists all"),
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
      return RolledBackAlready(current, history.revisions(1), history.revisions(i));
    }
  }
  return history.revisions(1).revision();
}

std::optional<v1::RollbackPolicyRequest> FirstRollback(
    const v1::ListPolicyRevisionsResponse& history, int64_t revision) {
  if (history.revisions_size() < 3) return std::nullopt;
  if (revision == 0) revision = history.revisions(2).revision();
  const auto aim =
      std::find_if(history.revisions().begin() + 2, history.revisions().end(),
                   [revision](const v1::Policy& policy) { return policy.revision() == revision; });
  const v1::Policy& from = history.revisions(1);
  if (aim == history.revisions().end() || from.etag().empty() ||
      ContentOf(*aim) != ContentOf(history.revisions(0))) {
    return std::nullopt;
  }
  v1::RollbackPolicyRequest request;
  request.set_name(from.name());
  request.set_revision(revision);
  request.set_etag(from.etag());
  return request;
}

}  // namespace hotplugger::client::fleet
