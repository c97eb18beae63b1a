#include "server/fleet/pagination.h"

#include <algorithm>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/canonical_bytes.h"
#include "common/digest.h"
#include "common/error_info.h"

namespace hotplugger::server {
namespace {

// Makes tokens recognizable, so that a name given by mistake isn't taken for one.
constexpr char kTokenWord[] = "after";
// Of the scope's digest in a token: for mistakes, not against forgers.
constexpr size_t kDigestLength = 12;

absl::Status BadToken(const std::string& what) { return MakeFieldErrors({{"page_token", what}}); }

}  // namespace

absl::StatusOr<Page> Page::Parse(int32_t page_size, absl::string_view page_token,
                                 const std::string& scope) {
  Page page;
  if (page_size < 0) {
    return MakeFieldErrors(
        {{"page_size", absl::StrCat(page_size, " is negative; 0 means ", kDefaultSize)}});
  }
  page.left_ = page_size == 0 ? kDefaultSize : std::min(page_size, kMaxSize);
  page.scope_digest_ = Sha256Hex(scope).substr(0, kDigestLength);
  if (page_token.empty()) return page;
  std::string decoded;
  if (!absl::WebSafeBase64Unescape(page_token, &decoded)) decoded.clear();
  const std::vector<std::string> parts = absl::StrSplit(decoded, absl::MaxSplits(':', 2));
  if (parts.size() != 3 || parts[0] != kTokenWord) {
    return BadToken("is not a next_page_token of an answer; leave it out to begin anew");
  }
  if (parts[1] != page.scope_digest_) {
    return BadToken(
        "was given for another list, or for this one with another filter; ask for the next page as "
        "for the one before, or leave the token out to begin anew");
  }
  page.start_after_ = parts[2];
  return page;
}

bool Page::Take(size_t bytes) {
  if (left_ == 0 || (bytes_ != 0 && bytes_ + bytes > kMaxBytes)) return false;
  --left_;
  bytes_ += std::max<size_t>(bytes, 1);
  return true;
}

std::string Page::TokenAfter(absl::string_view key) const {
  return absl::WebSafeBase64Escape(absl::StrCat(kTokenWord, ":", scope_digest_, ":", key));
}

std::string ScopeOf(absl::string_view method, const google::protobuf::MessageLite& filter) {
  return absl::StrCat(method, " ", CanonicalBytes(filter));
}

absl::StatusOr<int64_t> StartNumber(const Page& page, int64_t otherwise) {
  if (page.start_after().empty()) return otherwise;
  int64_t number = 0;
  if (absl::SimpleAtoi(page.start_after(), &number)) return number;
  return BadToken("is none that this list gave; leave it out to begin anew");
}

}  // namespace hotplugger::server
