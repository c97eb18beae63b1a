#include "server/fleet/node_conditions.h"

namespace hotplugger::server {

std::map<std::string, v1::NodeCondition> ConditionsOf(const NodeSnapshot& node) {
  std::map<std::string, v1::NodeCondition> conditions;
  for (const v1::NodeCondition& condition : node.conditions) {
    conditions.emplace(condition.type(), condition);
  }
  if (node.inventory == nullptr) return conditions;
  for (const v1::NodeCondition& condition : node.inventory->conditions()) {
    conditions.emplace(condition.type(), condition);
  }
  return conditions;
}

}  // namespace hotplugger::server
