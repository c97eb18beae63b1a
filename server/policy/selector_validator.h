// Whether a selector makes sense by itself.
#pragma once

#include <string>

#include "hotplugger/v1/policy.pb.h"
#include "server/policy/violations.h"

namespace hotplugger::server {

inline constexpr int kMaxSelectorLabels = 32;
inline constexpr int kMaxSelectorNodes = 1'000;
inline constexpr int kMaxSelectorPatterns = 64;
inline constexpr int kMaxSelectorExpressions = 32;
inline constexpr int kMaxExpressionValues = 64;

// Adds every problem of a selector that stands in `field`; one without conditions is one.
void CheckSelector(const std::string& field, const v1::Selector& selector, Violations* violations);

}  // namespace hotplugger::server
