#include "common/log.h"

#include <unistd.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "common/text.h"

namespace hotplugger {
namespace {

absl::string_view LevelName(LogLevel level) {
  switch (level) {
    case LogLevel::kInfo:
      return "INFO";
    case LogLevel::kWarning:
      return "WARNING";
    case LogLevel::kError:
      return "ERROR";
  }
  return "ERROR";
}

// So that a line stays a line, and can do nothing to the terminal that shows it.
std::string Escape(absl::string_view text) {
  return Printable(absl::StrReplaceAll(text, {{"\\", "\\\\"}, {"\"", "\\\""}}));
}

std::string QuotedIfNeeded(absl::string_view value) {
  const std::string escaped = Escape(value);
  if (!value.empty() && escaped == value && value.find_first_of(" =") == absl::string_view::npos) {
    return escaped;
  }
  return absl::StrCat("\"", escaped, "\"");
}

}  // namespace

void Log(LogLevel level, absl::string_view message,
         std::initializer_list<std::pair<absl::string_view, absl::string_view>> fields) {
  std::string line =
      absl::StrCat(absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", absl::Now(), absl::UTCTimeZone()), " ",
                   LevelName(level), " ", Escape(message));
  for (const auto& [key, value] : fields) {
    absl::StrAppend(&line, " ", key, "=", QuotedIfNeeded(value));
  }
  line += '\n';
  // One write a line, so that lines of several threads don't mix. There is nowhere to report that
  // the log itself can't be written.
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace hotplugger
