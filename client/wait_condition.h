// What `hotplugctl wait` waits for.
#pragma once

#include <string>

#include "hotplugger/v1/node.pb.h"

namespace hotplugger::client {

enum class WaitCondition {
  // The node reports the spec that it should have as applied.
  kInSync,
  // The same, and it doesn't wait for a confirmation any more.
  kConfirmed,
  kConnected,
  // The controller doesn't know it any more.
  kDeleted,
};

// "in sync", "confirmed", "connected", "deleted".
const char* ConditionText(WaitCondition condition);

// REQUIRES: not kDeleted, of which nothing but a list tells.
bool IsMet(WaitCondition condition, const v1::Node& node);

// Why it isn't met, for a person.
std::string WhyNotMet(WaitCondition condition, const v1::Node& node);

// Whether waiting longer can't help.
bool CantBeMet(WaitCondition condition, const v1::Node& node);

}  // namespace hotplugger::client
