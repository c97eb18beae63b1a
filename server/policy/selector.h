// Which nodes a policy is for.
#pragma once

#include <map>
#include <string>

#include "absl/strings/string_view.h"
#include "hotplugger/v1/policy.pb.h"

namespace hotplugger::server {

// A node's labels, by key.
using Labels = std::map<std::string, std::string>;

// Whether it has no condition at all.
bool IsEmpty(const v1::Selector& selector);

// Whether every condition of the selector holds. A selector without conditions matches nothing.
bool Matches(const v1::Selector& selector, absl::string_view node, const Labels& labels);

// Whether the conditions on labels hold; where there are none, they do.
bool MatchesLabels(const v1::Selector& selector, const Labels& labels);

// Whether any of the names and patterns is the node's.
bool MatchesNames(const v1::Selector& selector, absl::string_view node);

}  // namespace hotplugger::server
