#include "client/wait_progress.h"

#include <algorithm>
#include <map>

#include "client/node_view.h"

namespace hotplugger::client {

bool WaitProgress::AnyGivenUp() const {
  return std::any_of(pending.begin(), pending.end(),
                     [](const Pending& node) { return node.given_up; });
}

WaitProgress CheckProgress(const std::set<std::string>& wanted,
                           const google::protobuf::RepeatedPtrField<v1::Node>& listed) {
  std::map<std::string, const v1::Node*> by_name;
  for (const v1::Node& node : listed) by_name[node.name()] = &node;
  WaitProgress progress;
  for (const std::string& name : wanted) {
    const auto found = by_name.find(name);
    if (found == by_name.end()) {
      progress.pending.push_back({name, "the controller doesn't know it; is the name right?"});
    } else if (found->second->in_sync()) {
      ++progress.in_sync;
    } else {
      progress.pending.push_back({name, WhyNotInSync(*found->second), HasGivenUp(*found->second)});
    }
  }
  return progress;
}

}  // namespace hotplugger::client
