#include "server/policy/subject.h"

#include <optional>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/cpu_list.h"
#include "common/device_rules.h"
#include "common/driver_rules.h"
#include "common/error_info.h"
#include "common/number_list.h"
#include "common/status_macros.h"

namespace hotplugger::server {
namespace {

absl::Status BadSubject(absl::string_view text, absl::string_view problem) {
  return MakeError(
      absl::StatusCode::kInvalidArgument, "BAD_SUBJECT",
      absl::StrCat(
          "\"", absl::Utf8SafeCEscape(text.substr(0, 64)), "\" ", problem,
          "; name a device, e.g. \"cpu3\", \"memory32\" or \"container/PNP0A06:00\", a core, "
          "e.g. \"core/0-0-3\", or a driver, e.g. \"driver/alucard\""));
}

absl::StatusOr<Subject> ParseNumbered(absl::string_view text, absl::string_view digits,
                                      Subject::Kind kind, const NumberListRules& rules) {
  const std::optional<int> number = ParseDeviceNumber(digits, rules.largest);
  if (!number) {
    return BadSubject(text, absl::StrCat("is no ", rules.noun, ": a number from 0 to ",
                                         rules.largest, " without leading zeros goes there"));
  }
  Subject subject;
  subject.kind = kind;
  subject.number = *number;
  return subject;
}

absl::StatusOr<Subject> ParseGeneric(absl::string_view text) {
  const std::pair<absl::string_view, absl::string_view> parts =
      absl::StrSplit(text, absl::MaxSplits('/', 1));
  if (!IsBusName(parts.first)) {
    return BadSubject(text, absl::StrCat("has no bus before the '/': 1 to ", kMaxBusLength,
                                         " letters, digits, '_' and '-'"));
  }
  if (!IsDeviceOnBus(parts.second)) {
    return BadSubject(text, absl::StrCat("has no device after the '/': 1 to ", kMaxDeviceLength,
                                         " letters, digits and any of _-.:@+"));
  }
  if (IsBusOfItsOwnKind(parts.first)) {
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
  if (absl::ConsumePrefix(&rest, "core/")) {
    Subject subject;
    subject.kind = Subject::Kind::kCore;
    ASSIGN_OR_RETURN(subject.core, ParseCoreName(rest));
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
    case Subject::Kind::kCore:
      return absl::StrCat("core/", FormatCoreName(subject.core));
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
