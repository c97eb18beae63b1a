// What an agent checks before it takes a spec as its own.
#pragma once

#include <string>
#include <vector>

#include "hotplugger/v1/link.pb.h"
#include "hotplugger/v1/node.pb.h"

namespace hotplugger::agent {

// Everything that is wrong with `spec`; empty: nothing, and `*parsed` is its body. Never trusts the
// controller: digest, lists, names and contradictions are checked again here.
std::vector<std::string> CheckSpec(const v1::Spec& spec, v1::NodeSpec* parsed);

}  // namespace hotplugger::agent
