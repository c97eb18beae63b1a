#pragma once

#include <string>

namespace hotplugger::server {

// Two policies of one rank that can't both have their way on a node.
struct PolicyConflict {
  // As in a policy, e.g. "cpu.offline"; the winner's where they use different ones.
  std::string setting;
  // The one that wins meanwhile, and the other.
  std::string winner;
  std::string loser;
  // For a person; names both.
  std::string message;
};

}  // namespace hotplugger::server
