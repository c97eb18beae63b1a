#include "server/audit/audit_feed.h"

#include <utility>

#include "common/status_macros.h"
#include "server/audit/audit_filter.h"

namespace hotplugger::server {

absl::Status AuditFeed::Read(const v1::AuditFilter& filter, int64_t after, Done done) {
  return queue_.Add(
      [this, filter, after, done = std::move(done)]() mutable { done(ReadNow(filter, after)); });
}

absl::StatusOr<AuditFeed::Page> AuditFeed::ReadNow(const v1::AuditFilter& filter, int64_t after) {
  Page page;
  page.looked = after;
  for (size_t scanned = 0; scanned < kMaxScanned; scanned += kMaxEntries) {
    ASSIGN_OR_RETURN(std::vector<v1::AuditEntry> read,
                     records_->ReadAudit(page.looked, kMaxEntries));
    for (v1::AuditEntry& entry : read) {
      if (page.found.size() == kMaxEntries) return page;
      // They are written without gaps.
      page.missed += entry.sequence() - page.looked - 1;
      page.looked = entry.sequence();
      if (!MeetsFilter(entry, filter)) continue;
      page.found.push_back({std::move(entry), std::exchange(page.missed, 0)});
    }
    page.caught_up = read.size() < kMaxEntries;
    if (page.caught_up || page.found.size() == kMaxEntries) return page;
  }
  return page;
}

void AuditFeed::Stop() {
  announcer_.Stop();
  queue_.Stop();
}

}  // namespace hotplugger::server
