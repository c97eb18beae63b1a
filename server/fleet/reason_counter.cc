#include "server/fleet/reason_counter.h"

#include <algorithm>

#include "absl/strings/ascii.h"

namespace hotplugger::server {
namespace {

constexpr char kUnknownReason[] = "UNKNOWN";
constexpr size_t kMaxLength = 64;

}  // namespace

bool IsReason(absl::string_view word) {
  return !word.empty() && word.size() <= kMaxLength &&
         std::all_of(word.begin(), word.end(), [](unsigned char c) {
           return absl::ascii_isupper(c) || absl::ascii_isdigit(c) || c == '_';
         });
}

ReasonCounter::ReasonCounter(absl::Span<const absl::string_view> known) {
  for (const absl::string_view reason : known) counts_.emplace(reason, 0);
}

void ReasonCounter::Add(absl::string_view reason, const std::string& node) {
  if (reason.empty()) reason = kUnknownReason;
  if (!IsReason(reason)) reason = kOtherReason;
  MutexLock lock(&mutex_);
  auto count = counts_.find(reason);
  if (count == counts_.end()) {
    // One place is left for OTHER.
    const bool full = counts_.size() - counts_.count(kOtherReason) >= kMaxReasons - 1;
    const bool has_place = reason == kOtherReason || (!full && new_reasons_.Take(node));
    count = counts_.emplace(has_place ? reason : kOtherReason, 0).first;
  }
  ++count->second;
}

std::map<std::string, int64_t> ReasonCounter::Counts() const {
  MutexLock lock(&mutex_);
  return {counts_.begin(), counts_.end()};
}

}  // namespace hotplugger::server
