#include "agent/config/config_keys.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "agent/devices/rules/device_name.h"
#include "common/byte_size.h"
#include "common/cpu_list.h"
#include "common/driver_rules.h"

namespace hotplugger::agent {
namespace {

constexpr int kMaxCpus = kMaxCpuNumber + 1;
// 10,000 to 1: far beyond what any host lives with, and so as good as no limit.
constexpr int kMaxMovablePercent = 1'000'000;

template <auto Field>
auto& Cpus(AgentConfig& config) {
  return config.limits.cpus.*Field;
}

template <auto Field>
auto& Memory(AgentConfig& config) {
  return config.limits.memory.*Field;
}

template <auto Field>
auto& Load(AgentConfig& config) {
  return config.load.*Field;
}

template <auto Field>
auto& LoadParking(AgentConfig& config) {
  return config.load.parking.*Field;
}

template <auto Field>
auto& Thermal(AgentConfig& config) {
  return config.thermal.*Field;
}

template <auto Field>
auto& ThermalParking(AgentConfig& config) {
  return config.thermal.parking.*Field;
}

absl::Status CheckLoadWhitelist(const std::vector<std::string>& names) {
  return ValidateWhitelist("load", names);
}

absl::Status CheckThermalWhitelist(const std::vector<std::string>& names) {
  return ValidateWhitelist("thermal", names);
}

constexpr size_t kMaxZoneTypes = 32;
constexpr size_t kMaxZoneType = 64;

absl::Status CheckZoneTypes(const std::vector<std::string>& types) {
  const bool right = !types.empty() && types.size() <= kMaxZoneTypes &&
                     std::all_of(types.begin(), types.end(), [](const std::string& type) {
                       return !type.empty() && type.size() <= kMaxZoneType;
                     });
  if (right) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("names 1 to ", kMaxZoneTypes,
                                                 " types of thermal zones, each of 1 to ",
                                                 kMaxZoneType, " bytes"));
}

constexpr int kMaxSamples = 1000;
constexpr int kHour = 3600;
constexpr int kDay = 24 * kHour;
constexpr char kDriverNames[] = "drivers' names, or \"*\"";

constexpr ConfigKey kKeys[] = {
    {"limits.cpus.min_online", NumberSetting{&Cpus<&CpuLimits::min_online>, 1, kMaxCpus}},
    {"limits.cpus.min_online_percent",
     NumberSetting{&Cpus<&CpuLimits::min_online_percent>, 0, 100}},
    {"limits.cpus.min_online_per_node",
     NumberSetting{&Cpus<&CpuLimits::min_online_per_node>, 0, kMaxCpus}},
    {"limits.cpus.min_online_per_package",
     NumberSetting{&Cpus<&CpuLimits::min_online_per_package>, 0, kMaxCpus}},
    {"limits.cpus.min_housekeeping",
     NumberSetting{&Cpus<&CpuLimits::min_housekeeping>, 1, kMaxCpus}},
    {"limits.cpus.allow_exclusive", SwitchSetting{&Cpus<&CpuLimits::allow_exclusive>}},
    {"limits.memory.min_online_bytes", SizeSetting{&Memory<&MemoryLimits::min_online_bytes>}},
    {"limits.memory.min_online_percent",
     NumberSetting{&Memory<&MemoryLimits::min_online_percent>, 0, 100}},
    {"limits.memory.min_online_bytes_per_node",
     SizeSetting{&Memory<&MemoryLimits::min_online_bytes_per_node>}},
    {"limits.memory.min_available_bytes", SizeSetting{&Memory<&MemoryLimits::min_available_bytes>}},
    {"limits.memory.min_available_percent",
     NumberSetting{&Memory<&MemoryLimits::min_available_percent>, 0, 100}},
    {"limits.memory.max_movable_percent",
     NumberSetting{&Memory<&MemoryLimits::max_movable_percent>, 1, kMaxMovablePercent}},
    {"limits.memory.allow_kernel_zones", SwitchSetting{&Memory<&MemoryLimits::allow_kernel_zones>}},
    {"limits.protected_devices", ProtectedNames{}},
    {"limits.protected_cpus", ProtectedNumbers{&kCpuListRules, &CpuName}},
    {"limits.protected_memory_blocks", ProtectedNumbers{&kMemoryBlockListRules, &MemoryName}},
    {"limits.allowed_kinds", AllowedKinds{}},
    {"drivers.load.sample_seconds",
     NumberSetting{&LoadParking<&ParkingSettings::sample_seconds>, 1, kHour}},
    {"drivers.load.park_below_percent",
     NumberSetting{&Load<&LoadSettings::park_below_percent>, 1, 99}},
    {"drivers.load.park_samples",
     NumberSetting{&Load<&LoadSettings::park_samples>, 1, kMaxSamples}},
    {"drivers.load.cooldown_seconds",
     NumberSetting{&Load<&LoadSettings::cooldown_seconds>, 1, kDay}},
    {"drivers.load.wake_above_percent",
     NumberSetting{&Load<&LoadSettings::wake_above_percent>, 2, 99}},
    {"drivers.load.wake_pressure_percent",
     NumberSetting{&Load<&LoadSettings::wake_pressure_percent>, 1, 100}},
    {"drivers.load.wake_samples",
     NumberSetting{&Load<&LoadSettings::wake_samples>, 1, kMaxSamples}},
    {"drivers.load.min_online_cpus",
     NumberSetting{&LoadParking<&ParkingSettings::min_online_cpus>, 1, kMaxCpus}},
    {"drivers.load.max_parked_percent",
     NumberSetting{&LoadParking<&ParkingSettings::max_parked_percent>, 1, 99}},
    {"drivers.load.dry_run", SwitchSetting{&LoadParking<&ParkingSettings::dry_run>}},
    {"drivers.load.whitelist",
     TextsSetting{&LoadParking<&ParkingSettings::whitelist>, &CheckLoadWhitelist, "list of drivers",
                  kDriverNames, "[thermal]"}},
    {"drivers.thermal.sample_seconds",
     NumberSetting{&ThermalParking<&ParkingSettings::sample_seconds>, 1, kHour}},
    {"drivers.thermal.trip_celsius",
     NumberSetting{&Thermal<&ThermalSettings::trip_celsius>, 20, 150}},
    {"drivers.thermal.release_celsius",
     NumberSetting{&Thermal<&ThermalSettings::release_celsius>, 0, 149}},
    {"drivers.thermal.step_seconds",
     NumberSetting{&Thermal<&ThermalSettings::step_seconds>, 1, kHour}},
    {"drivers.thermal.zones",
     TextsSetting{&Thermal<&ThermalSettings::zones>, &CheckZoneTypes, "list of types",
                  "as the zones' type files, with * and ?", "[x86_pkg_temp]"}},
    {"drivers.thermal.min_online_cpus",
     NumberSetting{&ThermalParking<&ParkingSettings::min_online_cpus>, 1, kMaxCpus}},
    {"drivers.thermal.max_parked_percent",
     NumberSetting{&ThermalParking<&ParkingSettings::max_parked_percent>, 1, 99}},
    {"drivers.thermal.dry_run", SwitchSetting{&ThermalParking<&ParkingSettings::dry_run>}},
    {"drivers.thermal.whitelist",
     TextsSetting{&ThermalParking<&ParkingSettings::whitelist>, &CheckThermalWhitelist,
                  "list of drivers", kDriverNames, "[load]"}},
};

// What a policy's file calls the kinds, too.
constexpr std::pair<absl::string_view, v1::DeviceKind> kKinds[] = {
    {"cpu", v1::DEVICE_KIND_CPU},
    {"memory", v1::DEVICE_KIND_MEMORY},
    {"smt", v1::DEVICE_KIND_SMT},
    {"generic", v1::DEVICE_KIND_GENERIC},
};

std::string KindNames(const std::set<v1::DeviceKind>& kinds) {
  std::vector<absl::string_view> names;
  for (const auto& [name, kind] : kKinds) {
    if (kinds.count(kind) > 0) names.push_back(name);
  }
  return absl::StrJoin(names, ", ");
}

// Hands `value` to the setting of its key.
class ValueReader {
 public:
  ValueReader(const char* path, const YamlNode& value, AgentConfig* config, FileErrors* errors)
      : path_(path), value_(value), config_(*config), errors_(*errors) {}

  void operator()(const NumberSetting& setting) {
    const std::string& text = value_.text;
    const bool digits = std::all_of(text.begin(), text.end(), [](char c) {
      return absl::ascii_isdigit(static_cast<unsigned char>(c));
    });
    int number = 0;
    if (value_.kind == YamlNode::Kind::kScalar && !value_.quoted && digits &&
        absl::SimpleAtoi(text, &number) && number >= setting.least && number <= setting.largest) {
      setting.value(config_) = number;
      return;
    }
    AddWrong(value_, path_,
             absl::StrCat("a whole number from ", setting.least, " to ", setting.largest,
                          value_.quoted               ? ", without quotes"
                          : absl::EndsWith(text, "%") ? ", without a percent sign"
                                                      : ""));
  }

  void operator()(const SizeSetting& setting) {
    if (value_.kind != YamlNode::Kind::kScalar) return AddWrong(value_, path_, "a size, e.g. 4Gi");
    const auto bytes = ParseByteSize(value_.text);
    if (bytes.ok()) {
      setting.value(config_) = *bytes;
    } else {
      errors_.Add(value_.place, path_, bytes.status().message());
    }
  }

  void operator()(const SwitchSetting& setting) {
    const bool scalar = value_.kind == YamlNode::Kind::kScalar && !value_.quoted;
    if (!scalar || (value_.text != "true" && value_.text != "false")) {
      return AddWrong(value_, path_, "true or false, without quotes");
    }
    setting.value(config_) = value_.text == "true";
  }

  void operator()(const ProtectedNames& /*setting*/) {
    ForEachItem("[cpu0, container/PNP0A06:00]", [&](const YamlNode& item, const std::string& path) {
      const absl::Status status = ParseDeviceName(item.text).status();
      if (!status.ok()) return errors_.Add(item.place, path, status.message());
      config_.limits.protected_devices.insert(item.text);
    });
  }

  void operator()(const ProtectedNumbers& setting) {
    if (value_.kind != YamlNode::Kind::kScalar) {
      return AddWrong(value_, path_,
                      absl::StrCat("a list of numbers, e.g. \"", setting.rules->example, "\""));
    }
    const auto numbers = ParseNumberList(value_.text, *setting.rules);
    if (!numbers.ok()) return errors_.Add(value_.place, path_, numbers.status().message());
    for (const int number : *numbers) {
      config_.limits.protected_devices.insert(setting.name(number));
    }
  }

  void operator()(const TextsSetting& setting) {
    std::vector<std::string> texts;
    ForEachItem(setting.example, [&](const YamlNode& item, const std::string& /*path*/) {
      texts.push_back(item.text);
    });
    // What is no list has been told.
    if (value_.kind != YamlNode::Kind::kSequence || texts.size() != value_.children.size()) return;
    const absl::Status status = setting.check(texts);
    if (!status.ok()) return errors_.Add(value_.place, path_, status.message());
    setting.value(config_) = std::move(texts);
  }

  void operator()(const AllowedKinds& /*setting*/) {
    std::set<v1::DeviceKind> kinds;
    ForEachItem("[cpu, smt]", [&](const YamlNode& item, const std::string& path) {
      for (const auto& [name, kind] : kKinds) {
        if (item.text == name) {
          kinds.insert(kind);
          return;
        }
      }
      AddWrong(item, path, "cpu, memory, smt or generic");
    });
    config_.limits.allowed_kinds = std::move(kinds);
  }

 private:
  template <typename Take>
  void ForEachItem(absl::string_view example, const Take& take) {
    if (value_.kind != YamlNode::Kind::kSequence) {
      return AddWrong(value_, path_, absl::StrCat("a list, e.g. ", example));
    }
    for (size_t i = 0; i < value_.children.size(); ++i) {
      const YamlNode& item = value_.children[i];
      const std::string path = absl::StrCat(path_, "[", i, "]");
      if (item.kind == YamlNode::Kind::kScalar) {
        take(item, path);
      } else {
        AddWrong(item, path, absl::StrCat("a name; the whole is a list of names, e.g. ", example));
      }
    }
  }

  void AddWrong(const YamlNode& node, absl::string_view path, absl::string_view right) {
    errors_.Add(node.place, path, absl::StrCat(DescribeYaml(node), " is not ", right));
  }

  const absl::string_view path_;
  const YamlNode& value_;
  AgentConfig& config_;
  FileErrors& errors_;
};

struct Describer {
  AgentConfig& defaults;
  ConfigKeyText& text;

  void operator()(const NumberSetting& setting) const {
    text.type = "number";
    text.range = absl::StrCat(setting.least, " to ", setting.largest);
    text.default_value = absl::StrCat(setting.value(defaults));
  }
  void operator()(const SizeSetting& setting) const {
    text.type = "size";
    text.range = "0 to 1024Pi";
    text.default_value = FormatByteSize(setting.value(defaults));
  }
  void operator()(const SwitchSetting& setting) const {
    text.type = "switch";
    text.range = "true, false";
    text.default_value = setting.value(defaults) ? "true" : "false";
  }
  void operator()(const ProtectedNames& /*setting*/) const {
    text.type = "list of names";
    text.range = "the kernel's names, or BUS/NAME";
    text.default_value = "none";
  }
  void operator()(const ProtectedNumbers& setting) const {
    text.type = absl::StrCat(setting.rules->noun, " list");
    text.range = absl::StrCat("numbers from 0 to ", setting.rules->largest);
    text.default_value = "none";
  }
  void operator()(const TextsSetting& setting) const {
    text.type = setting.type;
    text.range = setting.range;
    const std::vector<std::string>& texts = setting.value(defaults);
    text.default_value =
        texts.empty() ? "none" : absl::StrCat("[", absl::StrJoin(texts, ", "), "]");
  }
  void operator()(const AllowedKinds& /*setting*/) const {
    text.type = "list of kinds";
    text.range = KindNames(SafetyLimits().allowed_kinds);
    text.default_value = absl::StrCat("[", KindNames(defaults.limits.allowed_kinds), "]");
  }
};

}  // namespace

absl::Span<const ConfigKey> ConfigKeys() { return kKeys; }

void ReadConfigValue(const ConfigKey& key, const YamlNode& value, AgentConfig* config,
                     FileErrors* errors) {
  std::visit(ValueReader(key.path, value, config, errors), key.setting);
}

ConfigKeyText DescribeConfigKey(const ConfigKey& key) {
  AgentConfig defaults;
  ConfigKeyText text;
  text.key = key.path;
  std::visit(Describer{defaults, text}, key.setting);
  return text;
}

}  // namespace hotplugger::agent
