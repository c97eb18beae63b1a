#include "client/commands/host/flag_values.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "client/text.h"

namespace hotplugger::client::host {
namespace {

// Of a text too long to be repeated, so much is.
constexpr size_t kShownLength = 64;
constexpr size_t kMaxDeviceName = 255;

}  // namespace

std::string Quoted(absl::string_view text) {
  return absl::StrCat("\"", Printable(text.substr(0, kShownLength)),
                      text.size() > kShownLength ? "…" : "", "\"");
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

}  // namespace hotplugger::client::host
