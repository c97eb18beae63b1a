#include "client/policy_file/policy_file.h"

#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/policy_file/message_reader.h"
#include "common/status_macros.h"
#include "common/text.h"
#include "common/yaml/file_errors.h"
#include "common/yaml/text_file.h"
#include "common/yaml/yaml_tree.h"

namespace hotplugger::client {
namespace {

constexpr char kApiVersionKey[] = "apiVersion";
constexpr char kApiVersion[] = "hotplugger/v1";
constexpr char kKindKey[] = "kind";
constexpr char kKind[] = "Policy";

// Whether `document` says that it is a `value` by `key`.
bool CheckHeader(const YamlNode& document, absl::string_view key, absl::string_view value,
                 FileErrors* errors) {
  for (size_t i = 0; i + 1 < document.children.size(); i += 2) {
    if (document.children[i].text != key) continue;
    const YamlNode& given = document.children[i + 1];
    if (given.kind == YamlNode::Kind::kScalar && given.text == value) return true;
    errors->Add(given.place, key,
                absl::StrCat("\"", Printable(given.text.substr(0, 60)), "\" is given where ", value,
                             " is right"));
    return false;
  }
  errors->Add(document.place, key, absl::StrCat("is missing; write ", key, ": ", value));
  return false;
}

// One document; what is wrong goes to `errors`.
v1::Policy ReadPolicy(const YamlNode& document, FileErrors* errors) {
  v1::Policy policy;
  if (document.kind != YamlNode::Kind::kMap) {
    errors->Add(document.place, "", "the document is not a map of fields");
    return policy;
  }
  const bool version_right = CheckHeader(document, kApiVersionKey, kApiVersion, errors);
  const bool kind_right = CheckHeader(document, kKindKey, kKind, errors);
  // Of another kind: its fields would all be unknown, and say nothing.
  if (!version_right || !kind_right) return policy;
  const size_t errors_before = errors->violations().size();
  ReadMessage(document, "", {kApiVersionKey, kKindKey}, &policy, errors);
  if (policy.name().empty() && errors->violations().size() == errors_before) {
    errors->Add(document.place, "name", "is missing; every policy has one");
  }
  return policy;
}

}  // namespace

absl::StatusOr<std::vector<v1::Policy>> ParsePolicies(absl::string_view file,
                                                      absl::string_view text) {
  FileErrors errors(Printable(file));
  const YamlFile yaml = ReadYaml(text);
  std::vector<v1::Policy> policies;
  std::map<std::string, int> lines;
  for (const YamlNode& document : yaml.documents) {
    policies.push_back(ReadPolicy(document, &errors));
    const std::string& name = policies.back().name();
    const auto [first, is_first] = lines.try_emplace(name, document.place.line);
    if (!name.empty() && !is_first) {
      errors.Add(
          document.place, "name",
          absl::StrCat("the policy ", name, " is there twice, first in line ", first->second));
    }
  }
  for (const YamlProblem& problem : yaml.problems) {
    errors.Add(problem.place, "", problem.description);
  }
  if (policies.empty() && yaml.problems.empty()) errors.Add({}, "", "holds no policy");
  RETURN_IF_ERROR(errors.ToStatus());
  return policies;
}

absl::StatusOr<std::vector<v1::Policy>> ReadPolicyFile(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string text, ReadTextFile(path));
  return ParsePolicies(path, text);
}

}  // namespace hotplugger::client
