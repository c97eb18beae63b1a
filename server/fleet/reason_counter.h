// Counts by reasons that come from elsewhere: of so many kinds and no more, whatever is sent.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "common/mutex.h"
#include "server/fleet/word_allowance.h"

namespace hotplugger::server {

// What counts for words that are none, or too many.
inline constexpr char kOtherReason[] = "OTHER";

// 1 to 64 of A-Z, 0-9 and '_'.
bool IsReason(absl::string_view word);

// Safe for concurrent use.
class ReasonCounter {
 public:
  // OTHER among them.
  static constexpr size_t kMaxReasons = 50;
  // So many one node may bring in.
  static constexpr size_t kMaxNewOfNode = 8;

  // `known`: at most 49 reasons that are there at 0 before they come, and keep their places.
  explicit ReasonCounter(absl::Span<const absl::string_view> known = {});

  // `node` gives it. An empty reason counts as UNKNOWN: older agents give none.
  void Add(absl::string_view reason, const std::string& node);

  // Of each reason that is known or came.
  std::map<std::string, int64_t> Counts() const;

 private:
  mutable Mutex mutex_;
  std::map<std::string, int64_t, std::less<>> counts_ ABSL_GUARDED_BY(mutex_);
  WordAllowance new_reasons_ ABSL_GUARDED_BY(mutex_){kMaxNewOfNode};
};

}  // namespace hotplugger::server
