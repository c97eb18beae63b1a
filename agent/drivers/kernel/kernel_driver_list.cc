#include "agent/drivers/kernel/kernel_driver_list.h"

#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/driver_rules.h"

namespace hotplugger::agent {
namespace {

constexpr size_t kPageLength = 4096;
// A running driver of the longest name: brackets and the space.
constexpr size_t kLongestItem = kMaxDriverNameLength + 3;
// The kernel keeps about one item's length of the page free, and stops where the next item might
// not fit. How much exactly differs, so a list that came within two items of the page's end is
// not taken for whole.
constexpr size_t kLongestWholeList = kPageLength - 2 * kLongestItem;

}  // namespace

KernelDriverList ParseKernelDriverList(absl::string_view content) {
  KernelDriverList list;
  list.may_be_cut = content.size() > kLongestWholeList;
  absl::ConsumeSuffix(&content, "\n");
  // A lone bracket is an empty list, too, of which some kernels show the first byte only.
  const absl::string_view trimmed = absl::StripSuffix(content, " ");
  if (trimmed == "[none]" || trimmed == "[") return list;
  const bool ends_whole = absl::EndsWith(content, " ");
  std::vector<absl::string_view> items = absl::StrSplit(content, ' ', absl::SkipEmpty());
  // A cut list may end in half a name.
  if (list.may_be_cut && !ends_whole && !items.empty()) items.pop_back();
  for (absl::string_view item : items) {
    KernelDriverState driver;
    driver.running = absl::StartsWith(item, "[") && absl::EndsWith(item, "]");
    if (driver.running) item = absl::StripSuffix(absl::StripPrefix(item, "["), "]");
    if (ValidateDriverName(item).ok()) {
      driver.name = std::string(item);
      list.drivers.push_back(std::move(driver));
    } else {
      list.unreadable.push_back(absl::Utf8SafeCEscape(item.substr(0, 64)));
    }
  }
  return list;
}

}  // namespace hotplugger::agent
