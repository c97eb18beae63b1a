#include "server/policy/selector.h"

#include <algorithm>

#include "common/node_pattern.h"

namespace hotplugger::server {
namespace {

bool Meets(const v1::LabelRequirement& requirement, const Labels& labels) {
  const auto label = labels.find(requirement.key());
  const bool has = label != labels.end();
  const auto& values = requirement.values();
  const bool listed = has && std::find(values.begin(), values.end(), label->second) != values.end();
  switch (requirement.operator_()) {
    case v1::LabelRequirement::OPERATOR_IN:
      return listed;
    case v1::LabelRequirement::OPERATOR_NOT_IN:
      return !listed;
    case v1::LabelRequirement::OPERATOR_EXISTS:
      return has;
    case v1::LabelRequirement::OPERATOR_DOES_NOT_EXIST:
      return !has;
    default:
      return false;
  }
}

}  // namespace

bool IsEmpty(const v1::Selector& selector) {
  return selector.match_labels().empty() && selector.match_expressions().empty() &&
         selector.nodes().empty();
}

bool MatchesLabels(const v1::Selector& selector, const Labels& labels) {
  for (const auto& [key, value] : selector.match_labels()) {
    const auto label = labels.find(key);
    if (label == labels.end() || label->second != value) return false;
  }
  const auto& requirements = selector.match_expressions();
  return std::all_of(requirements.begin(), requirements.end(),
                     [&labels](const auto& requirement) { return Meets(requirement, labels); });
}

bool MatchesNames(const v1::Selector& selector, absl::string_view node) {
  const std::string name(node);
  return std::any_of(
      selector.nodes().begin(), selector.nodes().end(), [&name](const std::string& wanted) {
        return wanted == name || (IsNodePattern(wanted) && MatchesNodePattern(wanted, name));
      });
}

bool Matches(const v1::Selector& selector, absl::string_view node, const Labels& labels) {
  if (IsEmpty(selector) || !MatchesLabels(selector, labels)) return false;
  return selector.nodes().empty() || MatchesNames(selector, node);
}

}  // namespace hotplugger::server
