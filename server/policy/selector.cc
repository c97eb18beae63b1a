#include "server/policy/selector.h"

#include <algorithm>

namespace hotplugger::server {

bool MatchesLabels(const v1::Selector& selector, const Labels& labels) {
  for (const auto& [key, value] : selector.match_labels()) {
    const auto label = labels.find(key);
    if (label == labels.end() || label->second != value) return false;
  }
  return true;
}

bool Matches(const v1::Selector& selector, absl::string_view node, const Labels& labels) {
  if (selector.match_labels().empty() && selector.nodes().empty()) return false;
  if (!MatchesLabels(selector, labels)) return false;
  return selector.nodes().empty() ||
         std::any_of(selector.nodes().begin(), selector.nodes().end(),
                     [node](const std::string& name) { return name == node; });
}

}  // namespace hotplugger::server
