#include "server/audit/audit_feed.h"

#include <utility>

#include "common/status_macros.h"
#include "server/audit/audit_filter.h"

namespace hotplugger::server {
namespace {

// Entries read from the store at a time: of a filter that lets few through many are looked at.
constexpr size_t kMaxScanned = 256;

}  // namespace

absl::Status AuditFeed::Read(const v1::AuditFilter& filter, int64_t after, Done done) {
  return queue_.Add(
      [this, filter, after, done = std::move(done)]() mutable { done(ReadNow(filter, after)); });
}

absl::StatusOr<AuditFeed::Page> AuditFeed::ReadNow(const v1::AuditFilter& filter, int64_t after) {
  ASSIGN_OR_RETURN(std::vector<v1::AuditEntry> read, records_->ReadAudit(after, kMaxScanned));
  Page page;
  page.looked = after;
  page.caught_up = read.size() < kMaxScanned;
  for (v1::AuditEntry& entry : read) {
    if (page.entries.size() == kMaxEntries) {
      page.caught_up = false;
      break;
    }
    page.looked = entry.sequence();
    if (MeetsFilter(entry, filter)) page.entries.push_back(std::move(entry));
  }
  return page;
}

void AuditFeed::Stop() {
  announcer_.Stop();
  queue_.Stop();
}

}  // namespace hotplugger::server
