#include "server/store/timed_store.h"

#include "common/error_info.h"

namespace hotplugger::server {
namespace {

StoreResult ResultOf(const absl::Status& status) {
  if (status.ok()) return StoreResult::kOk;
  return ErrorReason(status) == "REVISION_MISMATCH" ? StoreResult::kConflict : StoreResult::kError;
}

}  // namespace

template <typename Call>
auto TimedStore::Measure(StoreOperation operation, Call call) {
  const absl::Time begun = clock_->Now();
  auto answer = call();
  timings_->Observe(operation, ResultOf(answer.status()), clock_->Now() - begun);
  return answer;
}

absl::StatusOr<int64_t> TimedStore::Revision() {
  return Measure(StoreOperation::kRevision, [this] { return store_->Revision(); });
}

absl::StatusOr<std::optional<KeyValue>> TimedStore::Get(absl::string_view key) {
  return Measure(StoreOperation::kGet, [this, key] { return store_->Get(key); });
}

absl::StatusOr<std::vector<KeyValue>> TimedStore::Range(absl::string_view prefix,
                                                        absl::string_view start_after,
                                                        size_t limit) {
  return Measure(StoreOperation::kRange,
                 [&, this] { return store_->Range(prefix, start_after, limit); });
}

absl::StatusOr<int64_t> TimedStore::Commit(const Transaction& transaction) {
  return Measure(StoreOperation::kCommit,
                 [this, &transaction] { return store_->Commit(transaction); });
}

}  // namespace hotplugger::server
