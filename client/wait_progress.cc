#include "client/wait_progress.h"

#include <algorithm>
#include <map>

namespace hotplugger::client {

bool WaitProgress::AnyGivenUp() const {
  return std::any_of(pending.begin(), pending.end(),
                     [](const Pending& node) { return node.given_up; });
}

WaitProgress CheckProgress(WaitCondition condition, const std::set<std::string>& wanted,
                           const google::protobuf::RepeatedPtrField<v1::Node>& listed) {
  std::map<std::string, const v1::Node*> by_name;
  for (const v1::Node& node : listed) by_name[node.name()] = &node;
  const bool until_gone = condition == WaitCondition::kDeleted;
  WaitProgress progress;
  for (const std::string& name : wanted) {
    const auto found = by_name.find(name);
    const bool is_known = found != by_name.end();
    if (until_gone ? !is_known : is_known && IsMet(condition, *found->second)) {
      ++progress.done;
    } else if (!is_known) {
      progress.pending.push_back({name, "the controller doesn't know it; is the name right?"});
    } else {
      progress.pending.push_back(
          {name, WhyNotMet(condition, *found->second), CantBeMet(condition, *found->second)});
    }
  }
  return progress;
}

}  // namespace hotplugger::client
