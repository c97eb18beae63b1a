#include "client/policy_file/field_rules.h"

#include <algorithm>
#include <array>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "client/text.h"
#include "common/byte_size.h"
#include "common/cpu_list.h"
#include "common/driver_rules.h"
#include "common/error_info.h"
#include "common/names.h"
#include "common/node_pattern.h"
#include "common/number_list.h"
#include "common/status_macros.h"
#include "hotplugger/v1/device.pb.h"
#include "hotplugger/v1/policy.pb.h"

namespace hotplugger::client {
namespace {

using Check = absl::Status (*)(absl::string_view);

// Settings for which nothing is no value: it would pass for "not given" later.
absl::Status Empty(absl::string_view example) {
  return MakeError(absl::StatusCode::kInvalidArgument, "EMPTY_VALUE",
                   absl::StrCat("is empty; give a value, e.g. ", example, ", or leave it out"));
}

absl::Status CheckCpuList(absl::string_view text) {
  return text.empty() ? Empty("\"2-3,8\"") : ParseCpuList(text).status();
}

absl::Status CheckMemoryBlockList(absl::string_view text) {
  return text.empty() ? Empty("\"32-39\"") : ParseNumberList(text, kMemoryBlockListRules).status();
}

absl::Status CheckByteSize(absl::string_view text) {
  ASSIGN_OR_RETURN(const uint64_t bytes, ParseByteSize(text));
  if (bytes > 0) return absl::OkStatus();
  return MakeError(absl::StatusCode::kInvalidArgument, "BAD_SIZE",
                   "is no memory at all; give a size, e.g. 4Gi, or leave it out");
}

absl::Status CheckWhitelistEntry(absl::string_view name) {
  return name == "*" ? absl::OkStatus() : ValidateDriverName(name);
}

struct FieldRule {
  absl::string_view field;
  Check text;
  Check map_key;
  Check map_value;
};

constexpr std::array<FieldRule, 12> kFieldRules = {{
    {"hotplugger.v1.Policy.name", &ValidatePolicyName, nullptr, nullptr},
    {"hotplugger.v1.Selector.match_labels", nullptr, &ValidateLabelKey, &ValidateLabelValue},
    {"hotplugger.v1.Selector.nodes", &ValidateNodePattern, nullptr, nullptr},
    {"hotplugger.v1.LabelRequirement.key", &ValidateLabelKey, nullptr, nullptr},
    {"hotplugger.v1.LabelRequirement.values", &ValidateLabelValue, nullptr, nullptr},
    {"hotplugger.v1.DriverSettings.active", &ValidateDriverName, nullptr, nullptr},
    {"hotplugger.v1.DriverSettings.stopped", &ValidateDriverName, nullptr, nullptr},
    {"hotplugger.v1.DriverSettings.whitelist", nullptr, &ValidateDriverName, nullptr},
    {"hotplugger.v1.Whitelist.drivers", &CheckWhitelistEntry, nullptr, nullptr},
    {"hotplugger.v1.CpuSettings.offline", &CheckCpuList, nullptr, nullptr},
    {"hotplugger.v1.MemorySettings.offline_blocks", &CheckMemoryBlockList, nullptr, nullptr},
    {"hotplugger.v1.MemorySettings.offline_bytes", &CheckByteSize, nullptr, nullptr},
}};

struct NumberRule {
  absl::string_view field;
  int64_t least;
  int64_t largest;
};

constexpr std::array<NumberRule, 2> kNumberRules = {{
    {"hotplugger.v1.CpuSettings.online_count", 1, kMaxCpuNumber + 1},
    {"hotplugger.v1.CpuSettings.online_percent", 1, 100},
}};

struct DurationRule {
  absl::string_view field;
  absl::Duration least;
  absl::Duration largest;
};

constexpr std::array<DurationRule, 1> kDurationRules = {{
    {"hotplugger.v1.Policy.confirm", absl::Seconds(5), absl::Hours(1)},
}};

// Enums that are used for more than what a field takes: all that it takes.
struct EnumRule {
  absl::string_view field;
  std::array<int, 3> values;
};

constexpr std::array<EnumRule, 2> kEnumRules = {{
    {"hotplugger.v1.CpuSettings.smt",
     {v1::SMT_CONTROL_ON, v1::SMT_CONTROL_OFF, v1::SMT_CONTROL_FORCEOFF}},
    {"hotplugger.v1.CpuSettings.hot_add", {v1::HOT_ADD_ONLINE}},
}};

// Enums whose words files have from elsewhere: "NotIn" rather than "not_in".
constexpr absl::string_view kCamelCaseEnum = "hotplugger.v1.LabelRequirement.Operator";

std::string CamelCase(absl::string_view snake) {
  std::string camel;
  bool upper = true;
  for (const char byte : snake) {
    if (byte != '_') camel.push_back(upper ? absl::ascii_toupper(byte) : byte);
    upper = byte == '_';
  }
  return camel;
}

constexpr std::array<absl::string_view, 2> kOutputOnly = {
    "hotplugger.v1.Policy.revision",
    "hotplugger.v1.Policy.update_time",
};

absl::Status Run(const google::protobuf::FieldDescriptor& field, Check FieldRule::*check,
                 const std::string& value) {
  for (const FieldRule& rule : kFieldRules) {
    if (rule.field == field.full_name() && rule.*check != nullptr) return (rule.*check)(value);
  }
  return absl::OkStatus();
}

}  // namespace

const google::protobuf::FieldDescriptor* OnlyList(const google::protobuf::Descriptor& type) {
  const bool only_list =
      type.field_count() == 1 && type.field(0)->is_repeated() && !type.field(0)->is_map();
  return only_list ? type.field(0) : nullptr;
}

bool IsOutputOnly(const google::protobuf::FieldDescriptor& field) {
  for (const absl::string_view name : kOutputOnly) {
    if (name == field.full_name()) return true;
  }
  return false;
}

bool TakesEnumValue(const google::protobuf::FieldDescriptor& field,
                    const google::protobuf::EnumValueDescriptor& value) {
  if (value.number() == 0) return false;
  for (const EnumRule& rule : kEnumRules) {
    if (rule.field != field.full_name()) continue;
    return std::find(rule.values.begin(), rule.values.end(), value.number()) != rule.values.end();
  }
  return true;
}

std::string EnumWord(const google::protobuf::EnumValueDescriptor& value) {
  const std::string word = ShortEnumName(value);
  return value.type()->full_name() == kCamelCaseEnum ? CamelCase(word) : word;
}

absl::Status CheckDuration(const google::protobuf::FieldDescriptor& field, absl::Duration value) {
  absl::Duration least = absl::ZeroDuration();
  absl::Duration largest = absl::Hours(24 * 3650);
  for (const DurationRule& rule : kDurationRules) {
    if (rule.field != field.full_name()) continue;
    least = rule.least;
    largest = rule.largest;
  }
  if (value >= least && value <= largest) return absl::OkStatus();
  return MakeError(
      absl::StatusCode::kInvalidArgument, "OUT_OF_RANGE",
      absl::StrCat(absl::FormatDuration(value), " is not from ", absl::FormatDuration(least),
                   " to ", absl::FormatDuration(largest), "; leave it out where it is not meant"));
}

absl::Status CheckNumber(const google::protobuf::FieldDescriptor& field, int64_t number) {
  for (const NumberRule& rule : kNumberRules) {
    if (rule.field != field.full_name()) continue;
    if (number >= rule.least && number <= rule.largest) continue;
    return MakeError(absl::StatusCode::kInvalidArgument, "OUT_OF_RANGE",
                     absl::StrCat(number, " is not from ", rule.least, " to ", rule.largest,
                                  "; leave it out where it is not meant"));
  }
  return absl::OkStatus();
}

absl::Status CheckText(const google::protobuf::FieldDescriptor& field, const std::string& text) {
  return Run(field, &FieldRule::text, text);
}

absl::Status CheckMapKey(const google::protobuf::FieldDescriptor& field, const std::string& key) {
  return Run(field, &FieldRule::map_key, key);
}

absl::Status CheckMapValue(const google::protobuf::FieldDescriptor& field,
                           const std::string& value) {
  return Run(field, &FieldRule::map_value, value);
}

}  // namespace hotplugger::client
