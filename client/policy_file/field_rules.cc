#include "client/policy_file/field_rules.h"

#include <array>

#include "common/cpu_list.h"
#include "common/driver_rules.h"
#include "common/names.h"

namespace hotplugger::client {
namespace {

using Check = absl::Status (*)(absl::string_view);

absl::Status CheckCpuList(absl::string_view text) { return ParseCpuList(text).status(); }

absl::Status CheckWhitelistEntry(absl::string_view name) {
  return name == "*" ? absl::OkStatus() : ValidateDriverName(name);
}

struct FieldRule {
  absl::string_view field;
  Check text;
  Check map_key;
  Check map_value;
};

constexpr std::array<FieldRule, 8> kFieldRules = {{
    {"hotplugger.v1.Policy.name", &ValidatePolicyName, nullptr, nullptr},
    {"hotplugger.v1.Selector.match_labels", nullptr, &ValidateLabelKey, &ValidateLabelValue},
    {"hotplugger.v1.Selector.nodes", &ValidateNodeName, nullptr, nullptr},
    {"hotplugger.v1.DriverSettings.active", &ValidateDriverName, nullptr, nullptr},
    {"hotplugger.v1.DriverSettings.stopped", &ValidateDriverName, nullptr, nullptr},
    {"hotplugger.v1.DriverSettings.whitelist", nullptr, &ValidateDriverName, nullptr},
    {"hotplugger.v1.Whitelist.drivers", &CheckWhitelistEntry, nullptr, nullptr},
    {"hotplugger.v1.CpuSettings.offline", &CheckCpuList, nullptr, nullptr},
}};

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

bool IsOutputOnly(const google::protobuf::FieldDescriptor& field) {
  for (const absl::string_view name : kOutputOnly) {
    if (name == field.full_name()) return true;
  }
  return false;
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
