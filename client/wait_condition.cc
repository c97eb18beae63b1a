#include "client/wait_condition.h"

#include "client/node_view.h"

namespace hotplugger::client {

const char* ConditionText(WaitCondition condition) {
  switch (condition) {
    case WaitCondition::kConfirmed:
      return "confirmed";
    case WaitCondition::kConnected:
      return "connected";
    case WaitCondition::kDeleted:
      return "deleted";
    default:
      return "in sync";
  }
}

bool IsMet(WaitCondition condition, const v1::Node& node) {
  switch (condition) {
    case WaitCondition::kConfirmed:
      return node.in_sync() && !node.report().awaits_confirmation();
    case WaitCondition::kConnected:
      return node.connected();
    default:
      return node.in_sync();
  }
}

std::string WhyNotMet(WaitCondition condition, const v1::Node& node) {
  if (condition == WaitCondition::kDeleted) {
    return node.connected() ? "it is connected, and can't be deleted" : "it is still known";
  }
  if (condition == WaitCondition::kConfirmed && node.in_sync()) {
    return "it is in sync, and awaits confirmation";
  }
  if (condition == WaitCondition::kConnected) {
    return WhyNotConnected(node);
  }
  return WhyNotInSync(node);
}

bool CantBeMet(WaitCondition condition, const v1::Node& node) {
  return (condition == WaitCondition::kInSync || condition == WaitCondition::kConfirmed) &&
         HasGivenUp(node);
}

}  // namespace hotplugger::client
