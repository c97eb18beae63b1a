#include "server/policy/subject.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/cpu_list.h"
#include "common/driver_rules.h"
#include "common/error_info.h"
#include "common/status_macros.h"

namespace hotplugger::server {
namespace {

absl::Status BadSubject(absl::string_view text, absl::string_view problem) {
  return MakeError(absl::StatusCode::kInvalidArgument, "BAD_SUBJECT",
                   absl::StrCat("\"", absl::Utf8SafeCEscape(text.substr(0, 64)), "\" ", problem,
                                "; name a device, e.g. \"cpu3\", or a driver, e.g. "
                                "\"driver/alucard\""));
}

}  // namespace

absl::StatusOr<Subject> ParseSubject(absl::string_view text) {
  Subject subject;
  absl::string_view rest = text;
  if (absl::ConsumePrefix(&rest, "driver/")) {
    RETURN_IF_ERROR(ValidateDriverName(rest));
    subject.kind = Subject::Kind::kDriver;
    subject.driver = NormalizeDriverName(rest);
    return subject;
  }
  const bool digits = absl::ConsumePrefix(&rest, "cpu") && !rest.empty() &&
                      std::all_of(rest.begin(), rest.end(), [](char c) {
                        return absl::ascii_isdigit(static_cast<unsigned char>(c));
                      });
  if (!digits) return BadSubject(text, "is neither a CPU nor a driver");
  if (rest.size() > 1 && rest.front() == '0') {
    return BadSubject(text, "has leading zeros, which no device's name has");
  }
  if (!absl::SimpleAtoi(rest, &subject.cpu) || subject.cpu > kMaxCpuNumber) {
    return BadSubject(text, absl::StrCat("is above the largest CPU number, ", kMaxCpuNumber));
  }
  return subject;
}

std::string FormatSubject(const Subject& subject) {
  return subject.kind == Subject::Kind::kCpu ? absl::StrCat("cpu", subject.cpu)
                                             : absl::StrCat("driver/", subject.driver);
}

}  // namespace hotplugger::server
