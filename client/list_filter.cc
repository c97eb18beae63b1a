#include "client/list_filter.h"

#include <algorithm>
#include <string>

#include "common/node_pattern.h"
#include "common/proto_time.h"

namespace hotplugger::client {
namespace {

bool MatchesName(const std::string& wanted, const std::string& name) {
  return wanted == name || (IsNodePattern(wanted) && MatchesNodePattern(wanted, name));
}

// An absent condition holds.
bool MatchesOrEmpty(const std::string& wanted, const std::string& name) {
  return wanted.empty() || MatchesName(wanted, name);
}

bool Meets(const v1::LabelRequirement& requirement, const v1::Node& node) {
  const auto label = node.labels().find(requirement.key());
  const bool has = label != node.labels().end();
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

bool HasCondition(const v1::Node& node, const std::string& type) {
  return std::any_of(node.conditions().begin(), node.conditions().end(),
                     [&type](const auto& condition) { return condition.type() == type; });
}

}  // namespace

bool MatchesSelector(const v1::Selector& selector, const v1::Node& node) {
  for (const auto& [key, value] : selector.match_labels()) {
    const auto label = node.labels().find(key);
    if (label == node.labels().end() || label->second != value) return false;
  }
  const auto& requirements = selector.match_expressions();
  if (!std::all_of(requirements.begin(), requirements.end(),
                   [&node](const auto& requirement) { return Meets(requirement, node); })) {
    return false;
  }
  return selector.nodes().empty() ||
         std::any_of(selector.nodes().begin(), selector.nodes().end(),
                     [&node](const auto& wanted) { return MatchesName(wanted, node.name()); });
}

bool MatchesFilter(const v1::NodeFilter& filter, const v1::Node& node) {
  if (filter.has_selector() && !MatchesSelector(filter.selector(), node)) return false;
  if (filter.has_connected() && filter.connected() != node.connected()) return false;
  if (filter.has_in_sync() && filter.in_sync() != node.in_sync()) return false;
  if (!filter.states().empty() && std::find(filter.states().begin(), filter.states().end(),
                                            node.report().state()) == filter.states().end()) {
    return false;
  }
  return filter.condition().empty() || HasCondition(node, filter.condition());
}

bool MatchesFilter(const v1::PolicyFilter& filter, const v1::Policy& policy) {
  return MatchesOrEmpty(filter.name(), policy.name());
}

bool MatchesFilter(const v1::HoldFilter& filter, const v1::Hold& hold) {
  if (!MatchesOrEmpty(filter.node(), hold.node())) return false;
  if (!MatchesOrEmpty(filter.subject(), hold.subject())) return false;
  if (!filter.author().empty() && filter.author() != hold.author()) return false;
  if (!filter.ticket().empty() && filter.ticket() != hold.ticket()) return false;
  return !filter.has_expires_before() ||
         (hold.has_expire_time() && ToTime(hold.expire_time()) < ToTime(filter.expires_before()));
}

}  // namespace hotplugger::client
