// Pages of lists that are ordered by a key.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace hotplugger::server {

// Where a page begins and how much it takes. A page ends early rather than grow past the size of
// message that clients take.
class Page {
 public:
  static constexpr int kDefaultSize = 500;
  static constexpr int kMaxSize = 1000;
  static constexpr size_t kMaxBytes = 512 * 1024;

  // INVALID_ARGUMENT for a negative size or a token that no list gave.
  static absl::StatusOr<Page> Parse(int32_t page_size, absl::string_view page_token);

  // Items after this key; "" from the beginning.
  const std::string& start_after() const { return start_after_; }

  // Whether an item of so many bytes still fits; counts it if so. The first always does.
  bool Take(size_t bytes);

  // The token for what comes after `key`.
  static std::string TokenAfter(absl::string_view key);

 private:
  std::string start_after_;
  int left_ = 0;
  size_t bytes_ = 0;
};

}  // namespace hotplugger::server
