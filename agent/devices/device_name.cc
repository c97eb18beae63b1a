#include "agent/devices/device_name.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/cpu_list.h"
#include "common/error_info.h"

namespace hotplugger::agent {

absl::StatusOr<DeviceName> ParseDeviceName(absl::string_view name) {
  absl::string_view digits = name;
  int number = 0;
  // "cpu03" would name the same path as no CPU at all, so leading zeros are no name either.
  const bool valid = absl::ConsumePrefix(&digits, "cpu") && !digits.empty() &&
                     std::all_of(digits.begin(), digits.end(),
                                 [](unsigned char c) { return absl::ascii_isdigit(c); }) &&
                     (digits == "0" || digits[0] != '0') && absl::SimpleAtoi(digits, &number) &&
                     number <= kMaxCpuNumber;
  if (valid) return DeviceName{v1::DEVICE_KIND_CPU, number};
  return MakeError(absl::StatusCode::kInvalidArgument, "BAD_DEVICE_NAME",
                   absl::StrCat("\"", absl::Utf8SafeCEscape(name.substr(0, 64)),
                                "\" is not a device's name; this version knows CPUs, as the kernel "
                                "names them, e.g. cpu3"));
}

std::string CpuName(int number) { return absl::StrCat("cpu", number); }

}  // namespace hotplugger::agent
