#include "server/fleet/change_log.h"

#include <limits>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/error_info.h"
#include "common/log.h"
#include "common/rpc_status.h"
#include "common/text.h"
#include "server/fleet/log_filters.h"
#include "server/fleet/pagination.h"

namespace hotplugger::server {
namespace {

constexpr size_t kMaxLogged = 512;

}  // namespace

absl::Status ChangeLog::Load() {
  RETURN_IF_ERROR(audit_.Load());
  return answers_.Load();
}

absl::StatusOr<std::optional<std::string>> ChangeLog::FindAnswer(
    const v1::AnsweredRequest& request) {
  return answers_.Find(request.id(), request.method(), request.request_digest());
}

void ChangeLog::LogRefused(v1::AuditEntry entry, const absl::Status& status) {
  *entry.mutable_status() = ToRpcStatus(status);
  // Nothing of it was done.
  entry.clear_summary();
  (void)Record(entry);
}

absl::Status ChangeLog::Record(const v1::AuditEntry& entry) {
  const absl::Status kept = audit_.Append(entry);
  // A disk that is full refuses a change and its entry alike; this line is what is left.
  if (!kept.ok()) {
    Log(LogLevel::kError, "an entry is missing in the audit log",
        {{"method", entry.method()},
         {"resource", CutText(entry.resource(), kMaxLogged)},
         {"status", CutText(entry.status().message(), kMaxLogged)},
         {"cause", std::string(kept.message())}});
  }
  return kept;
}

absl::Status ChangeLog::KeepAnswer(const v1::AnsweredRequest& answer) {
  RecordBatch batch;
  answers_.Stage(answer, &batch);
  RETURN_IF_ERROR(records_->Commit(batch).status());
  answers_.Committed();
  return absl::OkStatus();
}

absl::StatusOr<v1::ListAuditEntriesResponse> ChangeLog::ListAudit(
    const v1::ListAuditEntriesRequest& request) {
  Violations violations;
  CheckFilter(request.filter(), &violations);
  RETURN_IF_ERROR(MakeFieldErrors(violations));
  ASSIGN_OR_RETURN(Page page, Page::Parse(request.page_size(), request.page_token(),
                                          ScopeOf("ListAuditEntries", request.filter())));
  ASSIGN_OR_RETURN(const int64_t before, StartNumber(page, std::numeric_limits<int64_t>::max()));
  std::optional<int64_t> next;
  ASSIGN_OR_RETURN(std::vector<v1::AuditEntry> entries,
                   audit_.List(request.filter(), before, page.left(), &next));
  v1::ListAuditEntriesResponse response;
  for (v1::AuditEntry& entry : entries) {
    if (!page.Take(entry.ByteSizeLong())) {
      next = entry.sequence() + 1;
      break;
    }
    *response.add_entries() = std::move(entry);
  }
  if (next) response.set_next_page_token(page.TokenAfter(absl::StrCat(*next)));
  return response;
}

}  // namespace hotplugger::server
