#include "client/text.h"

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace hotplugger::client {

std::string ShortEnumName(const google::protobuf::EnumValueDescriptor& value) {
  // The prefix is the type's name in upper snake case, which UNSPECIFIED spells out.
  const std::string& zero = value.type()->value(0)->name();
  constexpr absl::string_view kUnspecified = "UNSPECIFIED";
  absl::string_view name = value.name();
  if (absl::EndsWith(zero, kUnspecified)) {
    const auto prefix = absl::string_view(zero).substr(0, zero.size() - kUnspecified.size());
    if (absl::StartsWith(name, prefix)) name.remove_prefix(prefix.size());
  }
  return absl::AsciiStrToLower(name);
}

std::string ShortEnumName(const google::protobuf::EnumDescriptor& type, int number) {
  const auto* value = type.FindValueByNumber(number);
  return value == nullptr ? absl::StrCat(number) : ShortEnumName(*value);
}

}  // namespace hotplugger::client
