// Levelled log lines on standard error, for journald or a container's log:
// `2026-01-02T03:04:05.678Z INFO message key=value ...`.
#pragma once

#include <initializer_list>
#include <utility>

#include "absl/strings/string_view.h"

namespace hotplugger {

enum class LogLevel { kInfo, kWarning, kError };

// Writes one line; values with spaces or quotes are quoted, control characters escaped. Safe for
// concurrent use.
void Log(LogLevel level, absl::string_view message,
         std::initializer_list<std::pair<absl::string_view, absl::string_view>> fields = {});

}  // namespace hotplugger
