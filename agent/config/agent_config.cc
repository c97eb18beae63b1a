#include "agent/config/agent_config.h"

#include <filesystem>
#include <map>
#include <string>
#include <system_error>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "agent/config/config_keys.h"
#include "common/error_info.h"
#include "common/status_macros.h"
#include "common/text.h"
#include "common/yaml/file_errors.h"
#include "common/yaml/text_file.h"
#include "common/yaml/yaml_tree.h"

namespace hotplugger::agent {
namespace {

const ConfigKey* FindKey(absl::string_view path) {
  for (const ConfigKey& key : ConfigKeys()) {
    if (path == key.path) return &key;
  }
  return nullptr;
}

// The names that may stand in the section `path`, in the table's order; none where it is no
// section.
std::vector<std::string> NamesIn(absl::string_view path) {
  const std::string prefix = path.empty() ? "" : absl::StrCat(path, ".");
  std::vector<std::string> names;
  for (const ConfigKey& key : ConfigKeys()) {
    if (!absl::StartsWith(key.path, prefix)) continue;
    const std::vector<std::string> parts =
        absl::StrSplit(absl::string_view(key.path).substr(prefix.size()), absl::MaxSplits('.', 1));
    if (names.empty() || names.back() != parts.front()) names.push_back(parts.front());
  }
  return names;
}

class Reader {
 public:
  Reader(AgentConfig* config, FileErrors* errors) : config_(*config), errors_(*errors) {}

  void ReadSection(const YamlNode& section, const std::string& path) {
    if (section.kind != YamlNode::Kind::kMap) {
      errors_.Add(section.place, path,
                  absl::StrCat(DescribeYaml(section), " is not a map of keys"));
      return;
    }
    std::map<std::string, int> lines;  // where each key was given first
    for (size_t i = 0; i + 1 < section.children.size(); i += 2) {
      const YamlNode& key = section.children[i];
      if (key.kind != YamlNode::Kind::kScalar) {
        errors_.Add(key.place, path, absl::StrCat(DescribeYaml(key), " is no key"));
        continue;
      }
      const std::string key_path = JoinYamlPath(path, key.text);
      const auto [first, is_first] = lines.try_emplace(key.text, key.place.line);
      if (is_first) {
        ReadEntry(key, section.children[i + 1], path, key_path);
      } else {
        errors_.Add(key.place, key_path,
                    absl::StrCat("is given twice, first in line ", first->second));
      }
    }
  }

 private:
  void ReadEntry(const YamlNode& key, const YamlNode& value, const std::string& section,
                 const std::string& path) {
    const bool empty = value.kind == YamlNode::Kind::kNull;
    // One name a level: "cpus.min_online" would get around the check for keys given twice.
    const bool one_name = key.text.find('.') == std::string::npos;
    const ConfigKey* known = one_name ? FindKey(path) : nullptr;
    if (known != nullptr && empty) {
      errors_.Add(key.place, path, "has no value; give it one, or leave it out for the default");
    } else if (known != nullptr) {
      ReadConfigValue(*known, value, &config_, &errors_);
    } else if (!one_name || NamesIn(path).empty()) {
      errors_.AddUnknownKey(key, path, NamesIn(section));
    } else if (!empty) {  // a section all of whose keys are commented out sets none of them
      ReadSection(value, path);
    }
  }

  AgentConfig& config_;
  FileErrors& errors_;
};

// What no single key shows: thresholds that would have a driver park and wake at once.
void CheckThresholds(const AgentConfig& config, FileErrors* errors) {
  if (config.load.park_below_percent >= config.load.wake_above_percent) {
    errors->Add({}, "drivers.load.park_below_percent",
                absl::StrCat(config.load.park_below_percent,
                             " is not below drivers.load.wake_above_percent, ",
                             config.load.wake_above_percent));
  }
  if (config.thermal.release_celsius >= config.thermal.trip_celsius) {
    errors->Add(
        {}, "drivers.thermal.release_celsius",
        absl::StrCat(config.thermal.release_celsius, " is not below drivers.thermal.trip_celsius, ",
                     config.thermal.trip_celsius));
  }
}

}  // namespace

absl::StatusOr<AgentConfig> ParseAgentConfig(absl::string_view text, const std::string& path) {
  AgentConfig config;
  FileErrors errors(Printable(path));
  const YamlFile file = ReadYaml(text);
  for (const YamlProblem& problem : file.problems) {
    errors.Add(problem.place, "", problem.description);
  }
  if (!file.documents.empty()) Reader(&config, &errors).ReadSection(file.documents[0], "");
  if (file.documents.size() > 1) {
    errors.Add(file.documents[1].place, "",
               "a second document begins; the agent's config is one, so leave the \"---\" out");
  }
  if (errors.violations().empty()) CheckThresholds(config, &errors);
  RETURN_IF_ERROR(errors.ToStatus());
  return config;
}

absl::StatusOr<AgentConfig> ReadAgentConfig(const std::string& path,
                                            const std::string& default_path) {
  std::error_code ignored;
  // A link that leads nowhere is no absent file: somebody meant it to set limits.
  const bool there = std::filesystem::symlink_status(path, ignored).type() !=
                     std::filesystem::file_type::not_found;
  if (!there && path == default_path) return AgentConfig();
  const auto type = std::filesystem::status(path, ignored).type();
  if (type == std::filesystem::file_type::not_found) {
    return MakeError(
        absl::StatusCode::kNotFound, "CONFIG_NOT_FOUND",
        absl::StrCat(Printable(path), there ? " is a link that leads nowhere" : " is not there",
                     "; name the agent's config with --config, or leave that out for ",
                     default_path),
        {{"path", path}});
  }
  // Reading a pipe could wait for ever. Where the kind can't be told, reading tells why.
  if (type != std::filesystem::file_type::regular && type != std::filesystem::file_type::none) {
    return MakeError(
        absl::StatusCode::kInvalidArgument, "NOT_A_FILE",
        absl::StrCat(Printable(path),
                     " is not a regular file; --config takes the agent's config, e.g. ",
                     default_path),
        {{"path", path}});
  }
  ASSIGN_OR_RETURN(const std::string text, ReadTextFile(path));
  return ParseAgentConfig(text, path);
}

}  // namespace hotplugger::agent
