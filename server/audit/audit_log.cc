#include "server/audit/audit_log.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/proto_time.h"
#include "common/status_macros.h"
#include "common/text.h"

namespace hotplugger::server {
namespace {

// Entries read from the store at a time.
constexpr size_t kPage = 256;
constexpr size_t kMaxResource = 512;
// So many of the oldest go with one commit: a transaction stays small (etcd takes 128 acts).
constexpr size_t kMaxRemovals = 32;
// So many entries are looked at for one page of a filtered list.
constexpr size_t kMaxScanned = 20'000;

// A refused request may have any text in any field.
void CutTexts(v1::AuditEntry* entry) {
  entry->set_resource(CutText(entry->resource(), kMaxResource));
  entry->set_request_id(CutText(entry->request_id(), kMaxResource));
  if (entry->has_note()) {
    v1::ChangeNote* const note = entry->mutable_note();
    note->set_reason(CutText(note->reason(), AuditLog::kMaxText));
    note->set_ticket(CutText(note->ticket(), kMaxResource));
    note->set_author(CutText(note->author(), kMaxResource));
  }
  entry->set_summary(CutText(entry->summary(), AuditLog::kMaxText));
  if (!entry->has_status()) return;
  google::rpc::Status* const status = entry->mutable_status();
  status->set_message(CutText(status->message(), AuditLog::kMaxText));
  if (status->ByteSizeLong() > 2 * AuditLog::kMaxText) status->clear_details();
}

}  // namespace

bool MeetsFilter(const v1::AuditEntry& entry, const v1::AuditFilter& filter) {
  if (!filter.resource().empty() && entry.resource() != filter.resource() &&
      !absl::StartsWith(entry.resource(), absl::StrCat(filter.resource(), "/"))) {
    return false;
  }
  if (!filter.method().empty() && entry.method() != filter.method()) return false;
  if (filter.has_since_time() && ToTime(entry.time()) < ToTime(filter.since_time())) return false;
  return !filter.failed_only() || entry.status().code() != 0;
}

absl::Status AuditLog::Load() {
  kept_.clear();
  bytes_ = 0;
  for (;;) {
    ASSIGN_OR_RETURN(const std::vector<v1::AuditEntry> page,
                     records_->ReadAudit(last_sequence_, kPage));
    for (const v1::AuditEntry& entry : page) {
      kept_.push_back({entry.sequence(), ToTime(entry.time()), entry.ByteSizeLong()});
      bytes_ += kept_.back().bytes;
      last_sequence_ = entry.sequence();
    }
    if (page.size() < kPage) return absl::OkStatus();
  }
}

void AuditLog::Stage(v1::AuditEntry entry, RecordBatch* batch) {
  const absl::Time now = clock_->Now();
  entry.set_sequence(last_sequence_ + 1);
  SetTimestamp(now, entry.mutable_time());
  CutTexts(&entry);
  staged_ = Kept{entry.sequence(), now, entry.ByteSizeLong()};
  batch->PutAuditEntry(entry);
  staged_removals_ = 0;
  size_t bytes = bytes_ + staged_->bytes;
  for (const Kept& oldest : kept_) {
    const bool too_many = kept_.size() + 1 - staged_removals_ > limits_.max_entries;
    const bool too_old = now - oldest.time > limits_.max_age;
    if (!too_many && !too_old && bytes <= limits_.max_bytes) break;
    if (staged_removals_ == kMaxRemovals) break;
    batch->DeleteAuditEntry(oldest.sequence);
    bytes -= oldest.bytes;
    ++staged_removals_;
  }
}

void AuditLog::Committed() {
  if (!staged_) return;
  for (; staged_removals_ > 0; --staged_removals_) {
    bytes_ -= kept_.front().bytes;
    kept_.pop_front();
  }
  last_sequence_ = staged_->sequence;
  bytes_ += staged_->bytes;
  kept_.push_back(*std::exchange(staged_, std::nullopt));
}

absl::Status AuditLog::Append(v1::AuditEntry entry) {
  RecordBatch batch;
  Stage(std::move(entry), &batch);
  RETURN_IF_ERROR(records_->Commit(batch).status());
  Committed();
  return absl::OkStatus();
}

absl::StatusOr<std::vector<v1::AuditEntry>> AuditLog::List(const v1::AuditFilter& filter,
                                                           std::optional<int64_t> before,
                                                           size_t limit,
                                                           std::optional<int64_t>* next) {
  std::vector<v1::AuditEntry> found;
  *next = std::nullopt;
  // Sequences have no gaps but at the old end.
  int64_t end = std::min(before.value_or(last_sequence_ + 1), last_sequence_ + 1);
  for (size_t scanned = 0; !kept_.empty() && end > kept_.front().sequence;) {
    const int64_t begin = std::max(kept_.front().sequence, end - static_cast<int64_t>(kPage));
    ASSIGN_OR_RETURN(std::vector<v1::AuditEntry> page,
                     records_->ReadAudit(begin - 1, static_cast<size_t>(end - begin)));
    for (auto entry = page.rbegin(); entry != page.rend(); ++entry, ++scanned) {
      if (found.size() == limit || scanned >= kMaxScanned) {
        *next = entry->sequence() + 1;
        return found;
      }
      // Older ones don't meet it either.
      if (filter.has_since_time() && ToTime(entry->time()) < ToTime(filter.since_time())) {
        return found;
      }
      if (MeetsFilter(*entry, filter)) found.push_back(std::move(*entry));
    }
    end = begin;
  }
  return found;
}

}  // namespace hotplugger::server
