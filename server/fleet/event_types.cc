#include "server/fleet/event_types.h"

#include <cstddef>

namespace hotplugger::server {
namespace {

struct Row {
  EventType type;
  const char* name;
  v1::EventSeverity severity;
};

constexpr v1::EventSeverity kNormal = v1::EVENT_SEVERITY_NORMAL;
// A person may have to look.
constexpr v1::EventSeverity kWarning = v1::EVENT_SEVERITY_WARNING;

// In the order of the types.
constexpr Row kRows[] = {
    {EventType::kNodeConnected, "NodeConnected", kNormal},
    {EventType::kNodeDisconnected, "NodeDisconnected", kWarning},
    {EventType::kNodeTurnedAway, "NodeTurnedAway", kWarning},
    {EventType::kSpecPushed, "SpecPushed", kNormal},
    {EventType::kSpecApplied, "SpecApplied", kNormal},
    {EventType::kSpecFailed, "SpecFailed", kWarning},
    {EventType::kSpecRefused, "SpecRefused", kWarning},
    {EventType::kSpecReverted, "SpecReverted", kWarning},
    {EventType::kSpecQuarantined, "SpecQuarantined", kWarning},
    {EventType::kDriftFound, "DriftFound", kWarning},
    {EventType::kConditionRaised, "ConditionRaised", kWarning},
    {EventType::kConditionCleared, "ConditionCleared", kNormal},
    {EventType::kPolicyChanged, "PolicyChanged", kNormal},
    {EventType::kPolicyDeleted, "PolicyDeleted", kNormal},
    {EventType::kHoldSet, "HoldSet", kNormal},
    {EventType::kHoldReleased, "HoldReleased", kNormal},
    {EventType::kHoldLapsed, "HoldLapsed", kNormal},
    {EventType::kHoldLapseFailed, "HoldLapseFailed", kWarning},
};

constexpr bool InOrder() {
  size_t place = 0;
  for (const Row& row : kRows) {
    if (static_cast<size_t>(row.type) != place++) return false;
  }
  return place == static_cast<size_t>(EventType::kHoldLapseFailed) + 1;
}
static_assert(InOrder(), "each type has a row, at its place");

const Row& RowOf(EventType type) { return kRows[static_cast<size_t>(type)]; }

}  // namespace

const char* EventTypeName(EventType type) { return RowOf(type).name; }

v1::EventSeverity EventTypeSeverity(EventType type) { return RowOf(type).severity; }

std::vector<std::string> EventTypeNames() {
  std::vector<std::string> names;
  for (const Row& row : kRows) names.emplace_back(row.name);
  return names;
}

}  // namespace hotplugger::server
