// The decision of `hotplugctl wait`, as a pure function of what the controller lists.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "client/wait_condition.h"
#include "hotplugger/v1/node.pb.h"

namespace hotplugger::client {

struct WaitProgress {
  struct Pending {
    std::string node;
    // For a person.
    std::string cause;
    // Waiting longer can't help.
    bool given_up = false;
  };

  // So many nodes are as they are waited for.
  int done = 0;
  // By name.
  std::vector<Pending> pending;

  bool AnyGivenUp() const;
};

// How far `wanted` nodes are by `listed`. A wanted node that isn't listed is pending, unless that
// is what is waited for.
WaitProgress CheckProgress(WaitCondition condition, const std::set<std::string>& wanted,
                           const google::protobuf::RepeatedPtrField<v1::Node>& listed);

}  // namespace hotplugger::client
