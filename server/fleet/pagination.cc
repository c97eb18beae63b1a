#include "server/fleet/pagination.h"

#include <algorithm>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/error_info.h"

namespace hotplugger::server {
namespace {

// Makes tokens recognizable, so that a name given by mistake isn't taken for one.
constexpr char kTokenPrefix[] = "after:";

}  // namespace

absl::StatusOr<Page> Page::Parse(int32_t page_size, absl::string_view page_token) {
  Page page;
  if (page_size < 0) {
    return MakeFieldErrors(
        {{"page_size", absl::StrCat(page_size, " is negative; 0 means ", kDefaultSize)}});
  }
  page.left_ = page_size == 0 ? kDefaultSize : std::min(page_size, kMaxSize);
  if (page_token.empty()) return page;
  std::string decoded;
  if (!absl::WebSafeBase64Unescape(page_token, &decoded) ||
      !absl::StartsWith(decoded, kTokenPrefix)) {
    return MakeFieldErrors(
        {{"page_token", "is not a next_page_token of an answer; leave it out to begin anew"}});
  }
  page.start_after_ = decoded.substr(sizeof kTokenPrefix - 1);
  return page;
}

bool Page::Take(size_t bytes) {
  if (left_ == 0 || (bytes_ != 0 && bytes_ + bytes > kMaxBytes)) return false;
  --left_;
  bytes_ += std::max<size_t>(bytes, 1);
  return true;
}

std::string Page::TokenAfter(absl::string_view key) {
  return absl::WebSafeBase64Escape(absl::StrCat(kTokenPrefix, key));
}

}  // namespace hotplugger::server
