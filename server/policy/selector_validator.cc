#include "server/policy/selector_validator.h"

#include <map>

#include "absl/strings/str_cat.h"
#include "common/names.h"
#include "common/node_pattern.h"
#include "server/policy/selector.h"

namespace hotplugger::server {

namespace {

void CheckLabels(const std::string& field, const v1::Selector& selector, Violations* violations) {
  CheckCount(field, static_cast<int>(selector.match_labels().size()), kMaxSelectorLabels,
             violations);
  // A protobuf map has no order of its own; the answer must have one.
  const std::map<std::string, std::string> labels(selector.match_labels().begin(),
                                                  selector.match_labels().end());
  for (const auto& [key, value] : labels) {
    Check(field, ValidateLabelKey(key), violations);
    Check(absl::StrCat(field, "[", key, "]"), ValidateLabelValue(value), violations);
  }
}

void CheckRequirement(const std::string& field, const v1::LabelRequirement& requirement,
                      Violations* violations) {
  CheckUnknownFields(field, requirement, violations);
  Check(field + ".key", ValidateLabelKey(requirement.key()), violations);
  CheckCount(field + ".values", requirement.values().size(), kMaxExpressionValues, violations);
  for (int i = 0; i < requirement.values().size(); ++i) {
    Check(absl::StrCat(field, ".values[", i, "]"), ValidateLabelValue(requirement.values(i)),
          violations);
  }
  switch (requirement.operator_()) {
    case v1::LabelRequirement::OPERATOR_IN:
    case v1::LabelRequirement::OPERATOR_NOT_IN:
      if (requirement.values().empty()) {
        violations->push_back({field + ".values", "is empty; In and NotIn need at least one"});
      }
      return;
    case v1::LabelRequirement::OPERATOR_EXISTS:
    case v1::LabelRequirement::OPERATOR_DOES_NOT_EXIST:
      if (!requirement.values().empty()) {
        violations->push_back(
            {field + ".values", "is given; Exists and DoesNotExist look at the key alone"});
      }
      return;
    default:
      violations->push_back({field + ".operator", "is none of In, NotIn, Exists and DoesNotExist"});
  }
}

void CheckNodes(const std::string& field, const v1::Selector& selector, Violations* violations) {
  CheckCount(field, selector.nodes().size(), kMaxSelectorNodes, violations);
  int patterns = 0;
  for (int i = 0; i < selector.nodes().size(); ++i) {
    if (IsNodePattern(selector.nodes(i))) ++patterns;
    Check(absl::StrCat(field, "[", i, "]"), ValidateNodePattern(selector.nodes(i)), violations);
  }
  if (patterns > kMaxSelectorPatterns) {
    violations->push_back(
        {field, absl::StrCat("has ", patterns, " patterns; at most ", kMaxSelectorPatterns,
                             " are allowed besides whole names")});
  }
}

}  // namespace

void CheckSelector(const std::string& field, const v1::Selector& selector, Violations* violations) {
  CheckUnknownFields(field, selector, violations);
  if (IsEmpty(selector)) {
    violations->push_back({field,
                           "is empty, which would match nothing; give matchLabels, "
                           "matchExpressions or nodes"});
  }
  CheckLabels(field + ".match_labels", selector, violations);
  CheckCount(field + ".match_expressions", selector.match_expressions().size(),
             kMaxSelectorExpressions, violations);
  for (int i = 0; i < selector.match_expressions().size(); ++i) {
    CheckRequirement(absl::StrCat(field, ".match_expressions[", i, "]"),
                     selector.match_expressions(i), violations);
  }
  CheckNodes(field + ".nodes", selector, violations);
}

}  // namespace hotplugger::server
