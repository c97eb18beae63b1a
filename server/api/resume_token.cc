#include "server/api/resume_token.h"

#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/error_info.h"

namespace hotplugger::server {

std::string FormatResumeToken(const ResumeToken& token) {
  return absl::StrCat(token.epoch, "-", token.position);
}

absl::StatusOr<ResumeToken> ParseResumeToken(const std::string& text) {
  const std::pair<std::string, std::string> parts = absl::StrSplit(text, absl::MaxSplits('-', 1));
  ResumeToken token;
  if (absl::SimpleAtoi(parts.first, &token.epoch) &&
      absl::SimpleAtoi(parts.second, &token.position) && token.position >= 0) {
    return token;
  }
  return MakeFieldErrors(
      {{"resume_token", "is none that an answer gave; leave it out to begin anew"}});
}

}  // namespace hotplugger::server
