#include "server/fleet/answered_requests.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/error_info.h"
#include "common/proto_time.h"
#include "common/status_macros.h"

namespace hotplugger::server {
namespace {

// So many of the oldest go with one commit: more than come, and few enough for a transaction.
constexpr size_t kMaxRemovals = 16;

}  // namespace

absl::Status AnsweredRequests::Load() {
  ASSIGN_OR_RETURN(std::vector<v1::AnsweredRequest> stored, records_->LoadAnswers());
  for (v1::AnsweredRequest& answer : stored) {
    order_.push_back({answer.id(), ToTime(answer.time())});
    const std::string id = answer.id();
    answers_[id] = std::move(answer);
  }
  std::stable_sort(order_.begin(), order_.end(),
                   [](const Kept& a, const Kept& b) { return a.time < b.time; });
  return absl::OkStatus();
}

absl::StatusOr<std::optional<std::string>> AnsweredRequests::Find(
    const std::string& id, const std::string& method, const std::string& request_digest) {
  const auto found = answers_.find(id);
  if (found == answers_.end() || clock_->Now() - ToTime(found->second.time()) > kMaxAge) {
    return std::nullopt;
  }
  if (found->second.method() != method || found->second.request_digest() != request_digest) {
    return MakeError(
        absl::StatusCode::kInvalidArgument, "REQUEST_ID_REUSED",
        absl::StrCat("request_id ", id, " was that of another request (", found->second.method(),
                     "); give each request an id of its own, and repeat it "
                     "unchanged where it is a retry. Nothing was changed"),
        {{"request_id", id}, {"method", found->second.method()}});
  }
  ASSIGN_OR_RETURN(std::optional<v1::AnsweredRequest> stored, records_->GetAnswer(id));
  if (!stored) return std::nullopt;
  return std::move(*stored->mutable_response());
}

void AnsweredRequests::Stage(v1::AnsweredRequest answer, RecordBatch* batch) {
  const absl::Time now = clock_->Now();
  SetTimestamp(now, answer.mutable_time());
  batch->PutAnswer(answer);
  answer.clear_response();
  staged_removals_ = 0;
  for (const Kept& oldest : order_) {
    const bool too_many = order_.size() + 1 - staged_removals_ > kMaxKept;
    if (!too_many && now - oldest.time <= kMaxAge) break;
    if (staged_removals_ == kMaxRemovals) break;
    // One that has expired and is used again is put, not removed.
    if (oldest.id != answer.id()) batch->DeleteAnswer(oldest.id);
    ++staged_removals_;
  }
  staged_ = std::move(answer);
}

void AnsweredRequests::Committed() {
  if (!staged_) return;
  for (; staged_removals_ > 0; --staged_removals_) {
    answers_.erase(order_.front().id);
    order_.pop_front();
  }
  // An expired one of this id that is not among the removed.
  const std::string id = staged_->id();
  order_.erase(std::remove_if(order_.begin(), order_.end(),
                              [&id](const Kept& kept) { return kept.id == id; }),
               order_.end());
  order_.push_back({id, ToTime(staged_->time())});
  answers_[id] = *std::exchange(staged_, std::nullopt);
}

}  // namespace hotplugger::server
