// Where a watch goes on: the controller's epoch and how far it had come, as "EPOCH-POSITION".
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"

namespace hotplugger::server {

struct ResumeToken {
  uint64_t epoch = 0;
  int64_t position = 0;
};

std::string FormatResumeToken(const ResumeToken& token);

// INVALID_ARGUMENT names the field resume_token.
absl::StatusOr<ResumeToken> ParseResumeToken(const std::string& text);

}  // namespace hotplugger::server
