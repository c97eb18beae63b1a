#include "common/random_id.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <random>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace hotplugger {
namespace {

constexpr size_t kLength = 32;

}  // namespace

std::string RandomId() {
  std::random_device random;
  std::string id;
  for (int word = 0; word < 4; ++word) {
    absl::StrAppend(&id, absl::StrFormat("%08x", static_cast<uint32_t>(random())));
  }
  return id;
}

bool IsRandomId(absl::string_view text) {
  return text.size() == kLength && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

}  // namespace hotplugger
