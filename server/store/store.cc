#include "server/store/store.h"

#include <set>

#include "absl/strings/str_cat.h"
#include "common/error_info.h"
#include "common/status_macros.h"

namespace hotplugger::server {

absl::Status ValidateTransaction(const Transaction& transaction) {
  std::set<absl::string_view> seen;
  const auto check = [&seen](const std::string& key) {
    if (!key.empty() && seen.insert(key).second) return absl::OkStatus();
    return MakeError(absl::StatusCode::kInvalidArgument, "BAD_TRANSACTION",
                     key.empty() ? std::string("a transaction writes an empty key")
                                 : absl::StrCat("a transaction writes ", key, " twice"),
                     {{"key", key}});
  };
  for (const Put& put : transaction.puts) RETURN_IF_ERROR(check(put.key));
  for (const std::string& key : transaction.deletes) RETURN_IF_ERROR(check(key));
  return absl::OkStatus();
}

absl::Status RevisionMismatch(const Compare& compare, std::optional<int64_t> found) {
  const auto text = [](std::optional<int64_t> revision) {
    return revision ? absl::StrCat("at revision ", *revision) : std::string("absent");
  };
  return MakeError(absl::StatusCode::kAborted, "REVISION_MISMATCH",
                   absl::StrCat(compare.key, " should be ", text(compare.mod_revision), " but is ",
                                text(found), "; somebody else changed it: read it and try again"),
                   {{"key", compare.key}});
}

}  // namespace hotplugger::server
