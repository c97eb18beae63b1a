// Pages of lists that are ordered by a key.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/message_lite.h"

namespace hotplugger::server {

// Where a page begins and how much it takes. A page ends early rather than grow past the size of
// message that clients take.
class Page {
 public:
  static constexpr int kDefaultSize = 500;
  static constexpr int kMaxSize = 1000;
  static constexpr size_t kMaxBytes = 512 * 1024;

  // `scope` is what is listed, see ScopeOf: a token is good for the scope that it was given for
  // alone. INVALID_ARGUMENT for a negative size or a token that this list did not give.
  static absl::StatusOr<Page> Parse(int32_t page_size, absl::string_view page_token,
                                    const std::string& scope);

  // Items after this key; "" from the beginning.
  const std::string& start_after() const { return start_after_; }

  // So many more items at most.
  size_t left() const { return static_cast<size_t>(left_); }

  // Whether an item of so many bytes still fits; counts it if so. The first always does.
  bool Take(size_t bytes);

  // The token for what comes after `key`.
  std::string TokenAfter(absl::string_view key) const;

 private:
  std::string scope_digest_;
  std::string start_after_;
  int left_ = 0;
  size_t bytes_ = 0;
};

// A list by the name of its method, and what it leaves out.
std::string ScopeOf(absl::string_view method, const google::protobuf::MessageLite& filter);

// Of lists whose keys are numbers: the one that the page begins after, `otherwise` from the
// beginning. INVALID_ARGUMENT as Parse.
absl::StatusOr<int64_t> StartNumber(const Page& page, int64_t otherwise);

}  // namespace hotplugger::server
