#include "common/device_rules.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"

namespace hotplugger {
namespace {

// Whether `text` is 1 to `longest` letters, digits and bytes of `others`.
bool ConsistsOf(absl::string_view text, size_t longest, absl::string_view others) {
  return !text.empty() && text.size() <= longest &&
         std::all_of(text.begin(), text.end(), [others](unsigned char c) {
           return absl::ascii_isalnum(c) ||
                  others.find(static_cast<char>(c)) != absl::string_view::npos;
         });
}

}  // namespace

bool IsBusName(absl::string_view bus) { return ConsistsOf(bus, kMaxBusLength, "_-"); }

bool IsBusOfItsOwnKind(absl::string_view bus) { return bus == "cpu" || bus == "memory"; }

bool IsDeviceOnBus(absl::string_view device) {
  return device != "." && device != ".." && ConsistsOf(device, kMaxDeviceLength, "_-.:@+");
}

std::optional<int> ParseDeviceNumber(absl::string_view digits, int largest) {
  const bool number = std::all_of(digits.begin(), digits.end(),
                                  [](unsigned char c) { return absl::ascii_isdigit(c); });
  if (!number || digits.empty() || (digits.size() > 1 && digits[0] == '0')) return std::nullopt;
  int value = 0;
  if (!absl::SimpleAtoi(digits, &value) || value > largest) return std::nullopt;
  return value;
}

}  // namespace hotplugger
