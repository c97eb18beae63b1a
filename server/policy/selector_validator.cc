#include "server/policy/selector_validator.h"

#include <map>

#include "absl/strings/str_cat.h"
#include "common/names.h"

namespace hotplugger::server {

void CheckSelector(const std::string& field, const v1::Selector& selector, Violations* violations) {
  CheckUnknownFields(field, selector, violations);
  if (selector.match_labels().empty() && selector.nodes().empty()) {
    violations->push_back(
        {field, "is empty, which would match nothing; give matchLabels or nodes"});
  }
  CheckCount(field + ".match_labels", static_cast<int>(selector.match_labels().size()),
             kMaxSelectorLabels, violations);
  CheckCount(field + ".nodes", selector.nodes().size(), kMaxSelectorNodes, violations);
  // A protobuf map has no order of its own; the answer must have one.
  const std::map<std::string, std::string> labels(selector.match_labels().begin(),
                                                  selector.match_labels().end());
  for (const auto& [key, value] : labels) {
    Check(field + ".match_labels", ValidateLabelKey(key), violations);
    Check(absl::StrCat(field, ".match_labels[", key, "]"), ValidateLabelValue(value), violations);
  }
  for (int i = 0; i < selector.nodes().size(); ++i) {
    Check(absl::StrCat(field, ".nodes[", i, "]"), ValidateNodeName(selector.nodes(i)), violations);
  }
}

}  // namespace hotplugger::server
