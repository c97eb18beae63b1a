#include "server/policy/subject.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/cpu_list.h"
#include "common/driver_rules.h"
#include "common/error_info.h"
#include "common/number_list.h"
#include "common/status_macros.h"

namespace hotplugger::server {
namespace {

absl::Status BadSubject(absl::string_view text, absl::string_view problem) {
  return MakeError(
      absl::StatusCode::kInvalidArgument, "BAD_SUBJECT",
      absl::StrCat("\"", absl::Utf8SafeCEscape(text.substr(0, 64)), "\" ", problem,
                   "; name a device, e.g. \"cpu3\", \"memory32\" or \"container/PNP0A06:00\", or a "
                   "driver, e.g. \"driver/alucard\""));
}

bool AllDigits(absl::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isdigit(static_cast<unsigned char>(c));
  });
}

// Whether `name`, which becomes part of a path on the node, is 1 to `longest` letters, digits and
// bytes of `others`.
bool IsSysfsName(absl::string_view name, size_t longest, absl::string_view others) {
  return !name.empty() && name.size() <= longest && name != "." && name != ".." &&
         std::all_of(name.begin(), name.end(), [others](char c) {
           return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
                  others.find(c) != absl::string_view::npos;
         });
}

absl::StatusOr<Subject> ParseNumbered(absl::string_view text, absl::string_view digits,
                                      Subject::Kind kind, const NumberListRules& rules) {
  if (!AllDigits(digits)) return BadSubject(text, "is neither a device nor a driver");
  if (digits.size() > 1 && digits.front() == '0') {
    return BadSubject(text, "has leading zeros, which no device's name has");
  }
  Subject subject;
  subject.kind = kind;
  if (!absl::SimpleAtoi(digits, &subject.number) || subject.number > rules.largest) {
    return BadSubject(
        text, absl::StrCat("is above the largest ", rules.noun, " number, ", rules.largest));
  }
  return subject;
}

absl::StatusOr<Subject> ParseGeneric(absl::string_view text) {
  const std::pair<absl::string_view, absl::string_view> parts =
      absl::StrSplit(text, absl::MaxSplits('/', 1));
  if (!IsSysfsName(parts.first, kMaxBusLength, "_-")) {
    return BadSubject(text, absl::StrCat("has no bus before the '/': 1 to ", kMaxBusLength,
                                         " letters, digits, '_' and '-'"));
  }
  if (!IsSysfsName(parts.second, kMaxDeviceLength, "_-.:@+")) {
    return BadSubject(text, absl::StrCat("has no device after the '/': 1 to ", kMaxDeviceLength,
                                         " letters, digits and any of _-.:@+"));
  }
  if (parts.first == "cpu" || parts.first == "memory") {
    return BadSubject(text, "has a bus whose devices are named without it");
  }
  Subject subject;
  subject.kind = Subject::Kind::kGeneric;
  subject.name = std::string(text);
  return subject;
}

}  // namespace

absl::StatusOr<Subject> ParseSubject(absl::string_view text) {
  absl::string_view rest = text;
  if (absl::ConsumePrefix(&rest, "driver/")) {
    RETURN_IF_ERROR(ValidateDriverName(rest));
    Subject subject;
    subject.kind = Subject::Kind::kDriver;
    subject.name = NormalizeDriverName(rest);
    return subject;
  }
  if (text.find('/') != absl::string_view::npos) return ParseGeneric(text);
  if (text == "smt") return BadSubject(text, "can't be held; a policy sets it with cpu.smt");
  if (absl::ConsumePrefix(&rest, "memory")) {
    return ParseNumbered(text, rest, Subject::Kind::kMemory, kMemoryBlockListRules);
  }
  if (absl::ConsumePrefix(&rest, "cpu")) {
    return ParseNumbered(text, rest, Subject::Kind::kCpu, kCpuListRules);
  }
  return BadSubject(text, "is neither a device nor a driver");
}

std::string FormatSubject(const Subject& subject) {
  switch (subject.kind) {
    case Subject::Kind::kCpu:
      return absl::StrCat("cpu", subject.number);
    case Subject::Kind::kMemory:
      return absl::StrCat("memory", subject.number);
    case Subject::Kind::kGeneric:
      return subject.name;
    case Subject::Kind::kDriver:
      return absl::StrCat("driver/", subject.name);
  }
  return "";
}

}  // namespace hotplugger::server
