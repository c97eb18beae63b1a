// A stored message's etag: another one with each change.
#pragma once

#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/canonical_bytes.h"
#include "common/digest.h"
#include "common/error_info.h"

namespace hotplugger::server {

inline constexpr size_t kEtagLength = 16;

// REQUIRES: `message` has its time of change, and its other etag is cleared.
template <typename Message>
std::string MakeEtag(const Message& message) {
  return Sha256Hex(CanonicalBytes(message)).substr(0, kEtagLength);
}

// ABORTED (ETAG_MISMATCH) where `wanted`, if any, isn't `stored`, which is empty where there is
// nothing. `what` names it, e.g. "policy web".
inline absl::Status CheckEtag(const std::string& wanted, const std::string& stored,
                              const std::string& what) {
  if (wanted.empty() || wanted == stored) return absl::OkStatus();
  return MakeError(
      absl::StatusCode::kAborted, "ETAG_MISMATCH",
      absl::StrCat(what,
                   stored.empty() ? std::string(" does not exist (any more)")
                                  : absl::StrCat(" has changed: its etag is ", stored),
                   ", and the request is for etag ", wanted.substr(0, 80),
                   "; get it again, and repeat the change where it still makes sense. Nothing was "
                   "changed"),
      {{"etag", stored}});
}

}  // namespace hotplugger::server
