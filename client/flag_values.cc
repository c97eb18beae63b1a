#include "client/flag_values.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "client/text.h"
#include "common/proto_time.h"

namespace hotplugger::client {
namespace {

// Of a text too long to be repeated, so much is.
constexpr size_t kShownLength = 64;
constexpr size_t kMaxDeviceName = 255;
constexpr absl::Duration kMinDeadline = absl::Seconds(1);
constexpr absl::Duration kMaxDeadline = absl::Hours(1);
constexpr absl::Duration kMaxAgo = absl::Hours(24 * 3650);

// Whether `field` is `path`, or a part of it.
bool IsIn(absl::string_view path, absl::string_view field) {
  return absl::ConsumePrefix(&field, path) &&
         (field.empty() || field.front() == '.' || field.front() == '[');
}

}  // namespace

std::string Quoted(absl::string_view text) {
  return absl::StrCat("\"", Printable(CutText(text, kShownLength)), "\"");
}

int ReadNumber(const std::string& flag, absl::string_view text, int least, int most,
               Violations* violations) {
  int number = 0;
  // No sign, no space: SimpleAtoi alone takes both.
  const bool digits = !text.empty() && std::all_of(text.begin(), text.end(), absl::ascii_isdigit);
  if (digits && absl::SimpleAtoi(text, &number) && number >= least && number <= most) return number;
  violations->push_back(
      {flag, absl::StrCat(Quoted(text), " is not a whole number from ", least, " to ", most)});
  return 0;
}

google::protobuf::Duration ReadDeadline(const std::string& flag, const std::string& text,
                                        Violations* violations) {
  google::protobuf::Duration message;
  absl::Duration deadline;
  if (!absl::ParseDuration(text, &deadline) || deadline < kMinDeadline || deadline > kMaxDeadline) {
    violations->push_back(
        {flag, absl::StrCat(Quoted(text), " is not a time from 1s to 1h, e.g. 30s or 5m")});
    return message;
  }
  SetDuration(deadline, &message);
  return message;
}

bool ParseDurationOrDays(const std::string& text, absl::Duration* duration) {
  int days = 0;
  if (absl::EndsWith(text, "d") && absl::SimpleAtoi(text.substr(0, text.size() - 1), &days)) {
    *duration = absl::Hours(24) * days;
    return true;
  }
  return absl::ParseDuration(text, duration);
}

void ReadSince(const std::string& text, absl::Time now, google::protobuf::Timestamp* since,
               Violations* violations) {
  absl::Duration ago;
  absl::Time time;
  std::string problem;
  if (ParseDurationOrDays(text, &ago) && ago > absl::ZeroDuration() && ago <= kMaxAgo) {
    time = now - ago;
  } else if (!absl::ParseTime(absl::RFC3339_full, text, &time, &problem)) {
    violations->push_back(
        {"--since", absl::StrCat(Quoted(text),
                                 " is neither a time ago, e.g. 30m, 2h or 3d, nor a date and time "
                                 "with its zone, e.g. 2026-12-01T08:00:00Z")});
    return;
  }
  SetTimestamp(time, since);
}

void CheckDeviceName(const std::string& flag, absl::string_view text, Violations* violations) {
  if (!text.empty() && text.size() <= kMaxDeviceName &&
      std::all_of(text.begin(), text.end(), absl::ascii_isgraph)) {
    return;
  }
  violations->push_back(
      {flag, absl::StrCat(Quoted(text),
                          " is no device's name; the kernel's names are right, e.g. cpu3, memory32 "
                          "or container/PNP0A06:00, and `hotplugctl --host devices` lists them")});
}

absl::Status NameFlags(const absl::Status& status, absl::Span<const FieldFlag> flags) {
  Violations violations = ErrorFieldViolations(status);
  if (violations.empty()) return status;
  for (FieldViolation& violation : violations) {
    const auto flag = std::find_if(
        flags.begin(), flags.end(),
        [&violation](const FieldFlag& known) { return IsIn(known.first, violation.field); });
    if (flag != flags.end()) violation.field = std::string(flag->second);
  }
  return MakeFieldErrors(violations);
}

}  // namespace hotplugger::client
