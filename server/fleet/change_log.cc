#include "server/fleet/change_log.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/error_info.h"
#include "common/log.h"
#include "common/proto_time.h"
#include "common/rpc_status.h"
#include "common/text.h"
#include "server/fleet/pagination.h"
#include "server/policy/note_validator.h"

namespace hotplugger::server {
namespace {

constexpr size_t kMaxLogged = 512;
constexpr size_t kMaxMethod = 64;

absl::Status CheckFilter(const v1::AuditFilter& filter) {
  Violations violations;
  CheckUnknownFields("filter", filter, &violations);
  CheckLength("filter.resource", filter.resource(), kMaxLogged, &violations);
  CheckLength("filter.method", filter.method(), kMaxMethod, &violations);
  if (!IsValid(filter.since_time()) || filter.since_time().seconds() < 0) {
    violations.push_back({"filter.since_time", "is no time between the years 1970 and 9999"});
  }
  return MakeFieldErrors(violations);
}

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
  Record(std::move(entry));
}

void ChangeLog::Record(v1::AuditEntry entry) {
  const absl::Status kept = audit_.Append(entry);
  if (kept.ok()) return;
  // A disk that is full refuses a change and its entry alike; this line is what is left.
  Log(LogLevel::kError, "an entry is missing in the audit log",
      {{"method", entry.method()},
       {"resource", CutText(entry.resource(), kMaxLogged)},
       {"status", CutText(entry.status().message(), kMaxLogged)},
       {"cause", std::string(kept.message())}});
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
  RETURN_IF_ERROR(CheckFilter(request.filter()));
  ASSIGN_OR_RETURN(Page page, Page::Parse(request.page_size(), request.page_token()));
  std::optional<int64_t> before;
  if (!page.start_after().empty()) {
    int64_t sequence = 0;
    if (!absl::SimpleAtoi(page.start_after(), &sequence)) {
      return MakeFieldErrors({{"page_token", "is none that this list gave"}});
    }
    before = sequence;
  }
  std::optional<int64_t> next;
  const size_t limit =
      static_cast<size_t>(request.page_size() == 0 ? Page::kDefaultSize
                                                   : std::min(request.page_size(), Page::kMaxSize));
  ASSIGN_OR_RETURN(std::vector<v1::AuditEntry> entries,
                   audit_.List(request.filter(), before, limit, &next));
  v1::ListAuditEntriesResponse response;
  for (v1::AuditEntry& entry : entries) {
    if (!page.Take(entry.ByteSizeLong())) {
      next = entry.sequence() + 1;
      break;
    }
    *response.add_entries() = std::move(entry);
  }
  if (next) response.set_next_page_token(Page::TokenAfter(absl::StrCat(*next)));
  return response;
}

}  // namespace hotplugger::server
