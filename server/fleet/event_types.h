// The kinds of events that there are.
#pragma once

#include <string>
#include <vector>

#include "hotplugger/v1/event.pb.h"

namespace hotplugger::server {

enum class EventType {
  kNodeConnected,
  kNodeDisconnected,
  kNodeTurnedAway,
  kSpecPushed,
  kSpecApplied,
  kSpecFailed,
  kSpecRefused,
  kSpecReverted,
  kSpecQuarantined,
  kDriftFound,
  kConditionRaised,
  kConditionCleared,
  kPolicyChanged,
  kPolicyDeleted,
  kHoldSet,
  kHoldReleased,
  kHoldLapsed,
  kHoldLapseFailed,
};

// One thing that happened; docs/api.md tells of each type.
struct NewEvent {
  EventType type;
  // "nodes/NAME", "policies/NAME", "nodes/NAME/holds/SUBJECT".
  std::string resource;
  std::string message;
};

// As in Event.type.
const char* EventTypeName(EventType type);
v1::EventSeverity EventTypeSeverity(EventType type);
// Of all types.
std::vector<std::string> EventTypeNames();

}  // namespace hotplugger::server
