#include "server/store/store_timings.h"

namespace hotplugger::server {
namespace {

constexpr StoreOperation kAllOperations[] = {StoreOperation::kGet, StoreOperation::kRange,
                                             StoreOperation::kCommit, StoreOperation::kRevision};
constexpr StoreResult kAllResults[] = {StoreResult::kOk, StoreResult::kConflict,
                                       StoreResult::kError};

const char* Word(StoreOperation operation) {
  switch (operation) {
    case StoreOperation::kGet:
      return "get";
    case StoreOperation::kRange:
      return "range";
    case StoreOperation::kCommit:
      return "commit";
    case StoreOperation::kRevision:
      return "revision";
  }
  return "";
}

const char* Word(StoreResult result) {
  switch (result) {
    case StoreResult::kOk:
      return "ok";
    case StoreResult::kConflict:
      return "conflict";
    case StoreResult::kError:
      return "error";
  }
  return "";
}

}  // namespace

void StoreTimings::Observe(StoreOperation operation, StoreResult result, absl::Duration duration) {
  durations_[IndexOf(operation, result)].Observe(duration);
}

std::vector<StoreTimings::Series> StoreTimings::Counts() const {
  std::vector<Series> series;
  for (const StoreOperation operation : kAllOperations) {
    for (const StoreResult result : kAllResults) {
      if (result == StoreResult::kConflict && operation != StoreOperation::kCommit) continue;
      series.push_back(
          {Word(operation), Word(result), durations_[IndexOf(operation, result)].Counts()});
    }
  }
  return series;
}

}  // namespace hotplugger::server
