#include "agent/drivers/catalogue/driver_file.h"

#include <fnmatch.h>

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/driver_rules.h"
#include "common/error_info.h"
#include "common/yaml/file_errors.h"
#include "common/yaml/yaml_tree.h"

namespace hotplugger::agent {
namespace {

constexpr char kApiVersion[] = "hotplugger/v1";
constexpr char kKnobKind[] = "KnobDriver";
constexpr char kUnitKind[] = "UnitDriver";
constexpr size_t kMaxDescription = 200;
constexpr size_t kMaxUnitName = 255;

// Files that the agent changes by operations with checks of their own, and files that no switch of
// drivers has any business with. Patterns as fnmatch has them.
constexpr const char* kForbidden[] = {
    "sys/devices/system/cpu/cpu*/online",
    "sys/devices/system/cpu/cpu*/hotplug/*",
    "sys/devices/system/cpu/smt/control",
    "sys/devices/system/memory/*/online",
    "sys/devices/system/memory/*/state",
    "sys/devices/system/node/*/*/online",
    "sys/devices/system/node/*/*/state",
    "sys/bus/*/devices/*/online",
    "sys/bus/*/devices/*/state",
    "sys/kernel/hotplugger/*",
    "sys/power/state",
    "sys/power/disk",
    "sys/kernel/reboot/*",
    "proc/sysrq-trigger",
    "proc/sys/kernel/*",
};

absl::Status BadPath(absl::string_view pattern, absl::string_view what) {
  return MakeError(absl::StatusCode::kInvalidArgument, "BAD_KNOB_PATH",
                   absl::StrCat(QuotedText(pattern), " ", what,
                                "; right is e.g. sys/module/msm_hotplug/parameters/enabled"));
}

// A file may stand for another by pattern, so both ways are tried.
bool MayName(absl::string_view pattern, const char* forbidden) {
  const std::string text(pattern);
  return fnmatch(forbidden, text.c_str(), FNM_PATHNAME) == 0 ||
         fnmatch(text.c_str(), forbidden, FNM_PATHNAME) == 0;
}

// Reads one document.
class DriverReader {
 public:
  DriverReader(std::string file, FileErrors* errors) : file_(std::move(file)), errors_(*errors) {}

  void Read(const YamlNode& document, std::vector<DriverDefinition>* drivers) {
    if (document.kind != YamlNode::Kind::kMap) {
      errors_.Add(document.place, "", absl::StrCat(DescribeYaml(document), " is not a driver"));
      return;
    }
    const size_t errors_before = errors_.violations().size();
    ReadKeys(document);
    driver_.file = file_;
    CheckWhole(document);
    if (errors_.violations().size() > errors_before) return;
    if (unit_kind_) {
      driver_.how = unit_;
    } else {
      driver_.how = knob_;
    }
    drivers->push_back(std::move(driver_));
  }

 private:
  using Take = std::function<void(const YamlNode& value, const std::string& path)>;

  std::map<std::string, Take> Keys() {
    std::map<std::string, Take> keys = {
        {"apiVersion", TakeExactly(kApiVersion)},
        {"kind", [](const YamlNode&, const std::string&) {}},  // read first
        {"name", TakeName()},
        {"description", TakeText(&driver_.description, kMaxDescription)},
        {"whitelist", TakeWhitelist()},
    };
    if (unit_kind_) {
      keys["unit"] = TakeUnit();
      return keys;
    }
    keys["paths"] = TakePaths();
    keys["on"] = TakeValues(&knob_.on);
    keys["off"] = TakeValues(&knob_.off);
    keys["start"] = TakeWrites(&knob_.start);
    keys["stop"] = TakeWrites(&knob_.stop);
    keys["givesBackCpus"] = TakeSwitch(&knob_.gives_back_cpus);
    return keys;
  }

  void ReadKeys(const YamlNode& document) {
    if (!ReadKind(document)) return;
    ReadMap(document, "", Keys());
  }

  // The kind decides which other keys there are.
  bool ReadKind(const YamlNode& document) {
    for (size_t i = 0; i + 1 < document.children.size(); i += 2) {
      if (document.children[i].text != "kind") continue;
      const YamlNode& kind = document.children[i + 1];
      unit_kind_ = kind.text == kUnitKind;
      if (kind.text == kKnobKind || unit_kind_) return true;
      errors_.Add(kind.place, "kind",
                  absl::StrCat(DescribeYaml(kind), " is no kind of driver; right is ", kKnobKind,
                               " or ", kUnitKind));
      return false;
    }
    errors_.Add(document.place, "kind",
                absl::StrCat("is missing; give ", kKnobKind, " or ", kUnitKind));
    return false;
  }

  void ReadMap(const YamlNode& map, const std::string& path,
               const std::map<std::string, Take>& keys) {
    std::vector<std::string> known;
    for (const auto& [name, take] : keys) known.push_back(name);
    std::map<std::string, int> lines;
    for (size_t i = 0; i + 1 < map.children.size(); i += 2) {
      const YamlNode& key = map.children[i];
      const std::string key_path = JoinYamlPath(path, key.text);
      const auto found = keys.find(key.text);
      if (key.kind != YamlNode::Kind::kScalar || found == keys.end()) {
        errors_.AddUnknownKey(key, key_path, known);
        continue;
      }
      const auto [first, is_first] = lines.try_emplace(key.text, key.place.line);
      if (!is_first) {
        errors_.Add(key.place, key_path,
                    absl::StrCat("is given twice, first in line ", first->second));
        continue;
      }
      if (path.empty()) given_.insert(key.text);
      found->second(map.children[i + 1], key_path);
    }
  }

  Take TakeExactly(const char* right) {
    return [this, right](const YamlNode& value, const std::string& path) {
      if (value.text != right) AddWrong(value, path, right);
    };
  }

  Take TakeText(std::string* to, size_t largest) {
    return [this, to, largest](const YamlNode& value, const std::string& path) {
      if (value.kind != YamlNode::Kind::kScalar || value.text.size() > largest) {
        return AddWrong(value, path, absl::StrCat("a text of at most ", largest, " bytes"));
      }
      *to = value.text;
    };
  }

  Take TakeName() {
    return [this](const YamlNode& value, const std::string& path) {
      if (value.kind != YamlNode::Kind::kScalar) return AddWrong(value, path, "a driver's name");
      const absl::Status status = ValidateDriverName(value.text);
      if (!status.ok()) return errors_.Add(value.place, path, status.message());
      driver_.name = value.text;
    };
  }

  Take TakeUnit() {
    return [this](const YamlNode& value, const std::string& path) {
      const bool named = value.kind == YamlNode::Kind::kScalar && IsUnitName(value.text);
      if (!named) return AddWrong(value, path, "a unit's name, e.g. cpuplugd.service");
      unit_.unit = value.text;
    };
  }

  Take TakeSwitch(bool* to) {
    return [this, to](const YamlNode& value, const std::string& path) {
      const bool scalar = value.kind == YamlNode::Kind::kScalar && !value.quoted;
      if (!scalar || (value.text != "true" && value.text != "false")) {
        return AddWrong(value, path, "true or false, without quotes");
      }
      *to = value.text == "true";
    };
  }

  Take TakeWhitelist() {
    return [this](const YamlNode& value, const std::string& path) {
      const size_t errors_before = errors_.violations().size();
      ForEach(value, path, kMaxWhitelistLength, [this](const YamlNode& item, const std::string&) {
        driver_.whitelist.push_back(item.text);
      });
      whitelist_place_ = value.place;
      if (errors_.violations().size() > errors_before) driver_.whitelist.clear();
    };
  }

  Take TakePaths() {
    return [this](const YamlNode& value, const std::string& path) {
      ForEach(value, path, kMaxKnobSteps, [this](const YamlNode& item, const std::string& where) {
        TakePath(item, where, &knob_.paths.emplace_back());
      });
    };
  }

  // One value or several.
  Take TakeValues(std::vector<std::string>* to) {
    return [this, to](const YamlNode& value, const std::string& path) {
      if (value.kind == YamlNode::Kind::kScalar) return TakeValue(value, path, &to->emplace_back());
      ForEach(value, path, kMaxKnobSteps, [this, to](const YamlNode& item, const std::string& at) {
        TakeValue(item, at, &to->emplace_back());
      });
    };
  }

  Take TakeWrites(std::vector<KnobWrite>* to) {
    return [this, to](const YamlNode& value, const std::string& path) {
      if (value.kind != YamlNode::Kind::kSequence || value.children.empty() ||
          value.children.size() > kMaxKnobSteps) {
        return AddWrong(
            value, path,
            absl::StrCat("a list of 1 to ", kMaxKnobSteps, " writes, e.g. [{path: ., value: 1}]"));
      }
      for (size_t i = 0; i < value.children.size(); ++i) {
        ReadWrite(value.children[i], absl::StrCat(path, "[", i, "]"), &to->emplace_back());
      }
    };
  }

  void ReadWrite(const YamlNode& node, const std::string& path, KnobWrite* write) {
    if (node.kind != YamlNode::Kind::kMap) {
      return AddWrong(node, path, "a write, e.g. {path: ., value: 1}");
    }
    bool has_value = false;
    const std::map<std::string, Take> keys = {
        {"path",
         [this, write](const YamlNode& value, const std::string& where) {
           if (value.text == ".") {
             write->path = value.text;
           } else {
             TakePath(value, where, &write->path);
           }
         }},
        {"value", [this, write, &has_value](const YamlNode& value, const std::string& where) {
           has_value = true;
           TakeValue(value, where, &write->value);
         }}};
    const size_t errors_before = errors_.violations().size();
    ReadMap(node, path, keys);
    if (errors_.violations().size() > errors_before) return;
    if (write->path.empty()) errors_.Add(node.place, path, "has no path");
    if (!has_value) errors_.Add(node.place, path, "has no value");
  }

  void TakePath(const YamlNode& value, const std::string& where, std::string* to) {
    if (value.kind != YamlNode::Kind::kScalar) return AddWrong(value, where, "a path");
    // As people write them, with the slash in front.
    const std::string path(absl::string_view(value.text).substr(absl::StartsWith(value.text, "/")));
    const absl::Status status = ValidateKnobPath(path);
    if (!status.ok()) return errors_.Add(value.place, where, status.message());
    *to = path;
  }

  void TakeValue(const YamlNode& value, const std::string& where, std::string* to) {
    const bool fits = value.kind == YamlNode::Kind::kScalar && !value.text.empty() &&
                      value.text.size() <= kMaxKnobValue &&
                      std::all_of(value.text.begin(), value.text.end(), [](char c) {
                        return absl::ascii_isprint(static_cast<unsigned char>(c));
                      });
    if (!fits) {
      return AddWrong(value, where,
                      absl::StrCat("a value of 1 to ", kMaxKnobValue, " printable bytes"));
    }
    *to = value.text;
  }

  void ForEach(const YamlNode& value, const std::string& path, size_t most, const Take& take) {
    if (value.kind != YamlNode::Kind::kSequence || value.children.size() > most) {
      return AddWrong(value, path, absl::StrCat("a list of at most ", most));
    }
    for (size_t i = 0; i < value.children.size(); ++i) {
      const std::string where = absl::StrCat(path, "[", i, "]");
      if (value.children[i].kind != YamlNode::Kind::kScalar) {
        AddWrong(value.children[i], where, "a text");
      } else {
        take(value.children[i], where);
      }
    }
  }

  // What only shows once all keys are read.
  void CheckWhole(const YamlNode& document) {
    const auto require = [&](const char* key) {
      if (given_.count(key) == 0) errors_.Add(document.place, key, "is missing");
    };
    if (given_.empty()) return;
    require("apiVersion");
    require("name");
    require(unit_kind_ ? "unit" : "paths");
    if (!driver_.name.empty()) {
      const absl::Status status = ValidateWhitelist(driver_.name, driver_.whitelist);
      if (!status.ok()) errors_.Add(whitelist_place_, "whitelist", status.message());
    }
    if (unit_kind_) return;
    if (given_.count("paths") > 0 && knob_.paths.empty()) {
      errors_.Add(document.place, "paths", "is empty; give at least one");
    }
    if (knob_.on.empty()) knob_.on = {"1"};
    if (knob_.off.empty()) knob_.off = {"0"};
    for (const std::string& value : knob_.on) {
      if (std::find(knob_.off.begin(), knob_.off.end(), value) == knob_.off.end()) continue;
      errors_.Add(document.place, "off",
                  absl::StrCat(QuotedText(value), " stands for on too; one value can't be both"));
    }
    if (knob_.start.empty() != knob_.stop.empty()) {
      errors_.Add(document.place, knob_.start.empty() ? "start" : "stop",
                  "is missing; where one of start and stop is given, so must be the other");
    }
  }

  static bool IsUnitName(const std::string& text) {
    const std::vector<std::string> parts = absl::StrSplit(text, '.');
    const std::string& type = parts.back();
    return text.size() <= kMaxUnitName && parts.size() > 1 && !parts.front().empty() &&
           (type == "service" || type == "target" || type == "timer" || type == "socket" ||
            type == "path") &&
           std::all_of(text.begin(), text.end(), [](char c) {
             return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
                    absl::StrContains(":-_.\\@", c);
           });
  }

  void AddWrong(const YamlNode& value, const std::string& path, absl::string_view right) {
    errors_.Add(value.place, path, absl::StrCat(DescribeYaml(value), " is not ", right));
  }

  const std::string file_;
  FileErrors& errors_;
  DriverDefinition driver_;
  KnobDefinition knob_;
  UnitDefinition unit_;
  bool unit_kind_ = false;
  YamlPlace whitelist_place_;
  std::set<std::string> given_;
};

}  // namespace

absl::Status ValidateKnobPath(absl::string_view pattern) {
  if (pattern.size() > kMaxKnobPath) {
    return BadPath(pattern, absl::StrCat("has ", pattern.size(), " bytes; at most ", kMaxKnobPath,
                                         " are allowed"));
  }
  const std::vector<absl::string_view> names = absl::StrSplit(pattern, '/');
  if (names.size() < 2 || (names.front() != "sys" && names.front() != "proc")) {
    return BadPath(pattern, "is not below sys/ or proc/");
  }
  for (const absl::string_view name : names) {
    if (name.empty() || name == "." || name == "..") {
      return BadPath(pattern, "has an empty name, . or .. in it");
    }
    for (const char c : name) {
      if (!absl::ascii_isgraph(static_cast<unsigned char>(c))) {
        return BadPath(pattern, "has white space or bytes in it that don't print");
      }
    }
  }
  for (const char* forbidden : kForbidden) {
    if (MayName(pattern, forbidden)) {
      return BadPath(pattern,
                     absl::StrCat("may name ", forbidden, ", which no driver is switched by"));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<DriverDefinition>> ParseDriverFile(absl::string_view file,
                                                              absl::string_view text) {
  FileErrors errors((std::string(file)));
  const YamlFile yaml = ReadYaml(text);
  for (const YamlProblem& problem : yaml.problems)
    errors.Add(problem.place, "", problem.description);
  std::vector<DriverDefinition> drivers;
  for (const YamlNode& document : yaml.documents) {
    DriverReader(std::string(file), &errors).Read(document, &drivers);
  }
  if (!errors.violations().empty()) return errors.ToStatus();
  return drivers;
}

}  // namespace hotplugger::agent
