#include "server/audit/audit_log.h"

#include <algorithm>
#include <string>
#include <utility>

#include "common/proto_time.h"
#include "common/status_macros.h"
#include "common/text.h"
#include "server/audit/audit_filter.h"

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

bool IsRefusal(const v1::AuditEntry& entry) {
  return entry.status().code() != 0 && entry.summary().empty();
}

void AuditLog::Shelf::Add(const Kept& entry) {
  kept.push_back(entry);
  bytes += entry.bytes;
}

void AuditLog::Shelf::RemoveStaged() {
  for (; staged_removals > 0; --staged_removals) {
    bytes -= kept.front().bytes;
    kept.pop_front();
  }
}

AuditLog::Shelf* AuditLog::ShelfOf(const v1::AuditEntry& entry) {
  return IsRefusal(entry) ? &refusals_ : &changes_;
}

absl::Status AuditLog::Load() {
  for (;;) {
    ASSIGN_OR_RETURN(const std::vector<v1::AuditEntry> page,
                     records_->ReadAudit(last_sequence_, kPage));
    for (const v1::AuditEntry& entry : page) {
      ShelfOf(entry)->Add({entry.sequence(), ToTime(entry.time()), entry.ByteSizeLong()});
      last_sequence_ = entry.sequence();
    }
    if (page.size() < kPage) break;
  }
  if (feed_ != nullptr) feed_->Written(last_sequence_);
  return absl::OkStatus();
}

void AuditLog::Stage(v1::AuditEntry entry, RecordBatch* batch) {
  const absl::Time now = clock_->Now();
  entry.set_sequence(last_sequence_ + 1);
  SetTimestamp(now, entry.mutable_time());
  CutTexts(&entry);
  staged_ = Kept{entry.sequence(), now, entry.ByteSizeLong()};
  staged_on_ = ShelfOf(entry);
  batch->PutAuditEntry(entry);
  size_t removals = 0;
  for (Shelf* const shelf : {&changes_, &refusals_}) {
    StageRemovals(shelf == staged_on_ ? staged_->bytes : 0, &removals, shelf, batch);
  }
}

void AuditLog::StageRemovals(size_t coming, size_t* removals, Shelf* shelf,
                             RecordBatch* batch) const {
  const absl::Time now = clock_->Now();
  size_t entries = shelf->kept.size() + (coming > 0 ? 1 : 0);
  size_t bytes = shelf->bytes + coming;
  shelf->staged_removals = 0;
  for (const Kept& oldest : shelf->kept) {
    const bool fits = entries <= shelf->budget.max_entries && bytes <= shelf->budget.max_bytes;
    if (fits && now - oldest.time <= max_age_) return;
    if (*removals == kMaxRemovals) return;
    batch->DeleteAuditEntry(oldest.sequence);
    --entries;
    bytes -= oldest.bytes;
    ++shelf->staged_removals;
    ++*removals;
  }
}

void AuditLog::Committed() {
  if (!staged_) return;
  changes_.RemoveStaged();
  refusals_.RemoveStaged();
  last_sequence_ = staged_->sequence;
  staged_on_->Add(*std::exchange(staged_, std::nullopt));
  if (feed_ != nullptr) feed_->Written(last_sequence_);
}

absl::Status AuditLog::Append(v1::AuditEntry entry) {
  RecordBatch batch;
  Stage(std::move(entry), &batch);
  RETURN_IF_ERROR(records_->Commit(batch).status());
  Committed();
  return absl::OkStatus();
}

int64_t AuditLog::PageBegin(int64_t end, size_t count) const {
  const auto entries_before = [end](const Shelf& shelf) {
    return std::lower_bound(shelf.kept.begin(), shelf.kept.end(), end,
                            [](const Kept& kept, int64_t key) { return kept.sequence < key; }) -
           shelf.kept.begin();
  };
  auto changes = entries_before(changes_);
  auto refusals = entries_before(refusals_);
  int64_t begin = end;
  for (; count > 0 && changes + refusals > 0; --count) {
    const auto last = [](const Shelf& shelf, auto before) {
      return before == 0 ? int64_t{0} : shelf.kept[static_cast<size_t>(before - 1)].sequence;
    };
    const int64_t change = last(changes_, changes);
    const int64_t refusal = last(refusals_, refusals);
    begin = std::max(change, refusal);
    --(change > refusal ? changes : refusals);
  }
  return begin;
}

absl::StatusOr<std::vector<v1::AuditEntry>> AuditLog::List(const v1::AuditFilter& filter,
                                                           std::optional<int64_t> before,
                                                           size_t limit,
                                                           std::optional<int64_t>* next) {
  std::vector<v1::AuditEntry> found;
  *next = std::nullopt;
  int64_t end = std::min(before.value_or(last_sequence_ + 1), last_sequence_ + 1);
  for (size_t scanned = 0;;) {
    const int64_t begin = PageBegin(end, kPage);
    if (begin == end) return found;
    ASSIGN_OR_RETURN(std::vector<v1::AuditEntry> page, records_->ReadAudit(begin - 1, kPage));
    for (auto entry = page.rbegin(); entry != page.rend(); ++entry) {
      if (entry->sequence() >= end) continue;
      if (found.size() == limit || scanned >= kMaxScanned) {
        *next = entry->sequence() + 1;
        return found;
      }
      ++scanned;
      // Older ones don't meet it either.
      if (filter.has_since_time() && ToTime(entry->time()) < ToTime(filter.since_time())) {
        return found;
      }
      if (MeetsFilter(*entry, filter)) found.push_back(std::move(*entry));
    }
    end = begin;
  }
}

}  // namespace hotplugger::server
