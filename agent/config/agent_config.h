// The host's own file, /etc/hotplugger/agent.yaml: what the host's owner allows, whatever a
// controller wants. docs/agent-config.md describes each key.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "agent/devices/rules/safety_limits.h"
#include "agent/drivers/builtin/settings.h"

namespace hotplugger::agent {

inline constexpr char kDefaultConfigPath[] = "/etc/hotplugger/agent.yaml";

struct AgentConfig {
  SafetyLimits limits;
  // Of the agent's own drivers.
  LoadSettings load;
  ThermalSettings thermal;
};

// Reads the text of a config. INVALID_ARGUMENT with every problem at once, each with `path`, line,
// column, key, value and what would be right. Keys that are absent keep their defaults; unknown and
// repeated ones are problems. An empty text is a valid config.
absl::StatusOr<AgentConfig> ParseAgentConfig(absl::string_view text, const std::string& path);

// Reads the file, a regular one. Where it isn't there: the defaults if `path` is `default_path`,
// else NOT_FOUND (CONFIG_NOT_FOUND). INVALID_ARGUMENT (NOT_A_FILE) for folders, pipes and their
// like; other errors have the errno's name as reason. Waits for the disk alone.
absl::StatusOr<AgentConfig> ReadAgentConfig(const std::string& path,
                                            const std::string& default_path = kDefaultConfigPath);

}  // namespace hotplugger::agent
