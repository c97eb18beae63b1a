#include "client/policy_changes.h"

#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/policy_file/policy_text.h"
#include "client/text.h"
#include "common/yaml/file_errors.h"
#include "common/yaml/yaml_tree.h"

namespace hotplugger::client {
namespace {

constexpr size_t kMaxShownChanges = 4;
constexpr size_t kMaxShownValue = 40;

// One value for a person: "a", "[a, b]", "{key: pool, operator: Exists}".
std::string ValueText(const YamlNode& node) {
  std::vector<std::string> parts;
  switch (node.kind) {
    case YamlNode::Kind::kScalar:
      return node.text;
    case YamlNode::Kind::kSequence:
      for (const YamlNode& item : node.children) parts.push_back(ValueText(item));
      return absl::StrCat("[", absl::StrJoin(parts, ", "), "]");
    case YamlNode::Kind::kMap:
      for (size_t i = 0; i + 1 < node.children.size(); i += 2) {
        parts.push_back(absl::StrCat(node.children[i].text, ": ", ValueText(node.children[i + 1])));
      }
      return absl::StrCat("{", absl::StrJoin(parts, ", "), "}");
    default:
      return "";
  }
}

// The fields of a policy by their paths, and the paths in the order of the file.
struct Fields {
  std::vector<std::string> paths;
  std::map<std::string, std::string> values;

  void Add(const std::string& path, const YamlNode& node) {
    if (node.kind != YamlNode::Kind::kMap || node.children.empty()) {
      paths.push_back(path);
      values[path] = ValueText(node);
      return;
    }
    for (size_t i = 0; i + 1 < node.children.size(); i += 2) {
      Add(JoinYamlPath(path, node.children[i].text), node.children[i + 1]);
    }
  }
};

Fields FieldsOf(v1::Policy policy) {
  // Another one with each change: it says nothing.
  policy.clear_etag();
  Fields fields;
  const YamlFile file = ReadYaml(FormatPolicy(policy));
  for (const YamlNode& document : file.documents) fields.Add("", document);
  return fields;
}

std::string Shown(const Fields& fields, const std::string& path) {
  const auto found = fields.values.find(path);
  if (found == fields.values.end()) return "none";
  return absl::StrCat(Printable(found->second.substr(0, kMaxShownValue)),
                      found->second.size() > kMaxShownValue ? "…" : "");
}

}  // namespace

std::string DescribeChanges(const v1::Policy& before, const v1::Policy& after) {
  const Fields old_fields = FieldsOf(before);
  const Fields new_fields = FieldsOf(after);
  std::vector<std::string> paths = new_fields.paths;
  std::copy_if(old_fields.paths.begin(), old_fields.paths.end(), std::back_inserter(paths),
               [&](const std::string& path) { return new_fields.values.count(path) == 0; });
  std::vector<std::string> changes;
  for (const std::string& path : paths) {
    const auto old_value = old_fields.values.find(path);
    const auto new_value = new_fields.values.find(path);
    const bool same = old_value != old_fields.values.end() &&
                      new_value != new_fields.values.end() &&
                      old_value->second == new_value->second;
    if (same) continue;
    changes.push_back(absl::StrCat(Printable(path), ": ", Shown(old_fields, path), " to ",
                                   Shown(new_fields, path)));
  }
  if (changes.empty()) return "nothing";
  const size_t more = changes.size() - std::min(changes.size(), kMaxShownChanges);
  changes.resize(changes.size() - more);
  if (more > 0) changes.push_back(absl::StrCat("and ", more, " more"));
  return absl::StrJoin(changes, ", ");
}

}  // namespace hotplugger::client
