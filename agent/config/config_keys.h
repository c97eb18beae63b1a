// The keys of agent.yaml as one table: what each takes and where its value goes.
// docs/agent-config.md shows it, and a test keeps the two equal.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "absl/types/span.h"
#include "agent/config/agent_config.h"
#include "common/number_list.h"
#include "common/yaml/file_errors.h"
#include "common/yaml/yaml_tree.h"

namespace hotplugger::agent {

// A whole number, both ends included.
struct NumberSetting {
  int& (*value)(AgentConfig&);
  int least;
  int largest;
};

// An amount of memory, as byte_size.h has it.
struct SizeSetting {
  uint64_t& (*value)(AgentConfig&);
};

// true or false.
struct SwitchSetting {
  bool& (*value)(AgentConfig&);
};

// Names of devices, added to the protected ones.
struct ProtectedNames {};

// A list of numbers, each of which is a protected device's.
struct ProtectedNumbers {
  const NumberListRules* rules;
  std::string (*name)(int);
};

// A list of texts; what one may be, `check` says (INVALID_ARGUMENT).
struct TextsSetting {
  std::vector<std::string>& (*value)(AgentConfig&);
  absl::Status (*check)(const std::vector<std::string>&);
  const char* type;
  const char* range;
  const char* example;
};

// Kinds of devices, instead of all.
struct AllowedKinds {};

struct ConfigKey {
  // From the root: "limits.cpus.min_online".
  const char* path;
  std::variant<NumberSetting, SizeSetting, SwitchSetting, ProtectedNames, ProtectedNumbers,
               AllowedKinds, TextsSetting>
      setting;
};

// In the page's order.
absl::Span<const ConfigKey> ConfigKeys();

// Takes over the value of `key`; what is wrong with it goes to `errors`.
void ReadConfigValue(const ConfigKey& key, const YamlNode& value, AgentConfig* config,
                     FileErrors* errors);

// The columns of the page.
struct ConfigKeyText {
  std::string key;
  std::string type;
  std::string range;
  std::string default_value;

  bool operator==(const ConfigKeyText&) const = default;
};

ConfigKeyText DescribeConfigKey(const ConfigKey& key);

}  // namespace hotplugger::agent
