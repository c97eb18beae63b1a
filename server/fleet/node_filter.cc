#include "server/fleet/node_filter.h"

#include <algorithm>
#include <cstddef>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/names.h"
#include "server/fleet/node_conditions.h"
#include "server/policy/selector.h"
#include "server/policy/selector_validator.h"

namespace hotplugger::server {
namespace {

constexpr size_t kMaxCondition = 64;

bool IsConditionType(const std::string& text) {
  return text.size() <= kMaxCondition && std::all_of(text.begin(), text.end(), [](char c) {
           const auto byte = static_cast<unsigned char>(c);
           return absl::ascii_isupper(byte) || absl::ascii_isdigit(byte) || c == '_';
         });
}

bool HasState(const NodeSnapshot& node, const v1::NodeFilter& filter) {
  return node.report != nullptr && std::find(filter.states().begin(), filter.states().end(),
                                             node.report->state()) != filter.states().end();
}

}  // namespace

void CheckFilter(const v1::NodeFilter& filter, Violations* violations) {
  CheckUnknownFields("filter", filter, violations);
  if (filter.has_selector()) CheckSelector("filter.selector", filter.selector(), violations);
  if (!filter.policy().empty()) {
    Check("filter.policy", ValidatePolicyName(filter.policy()), violations);
  }
  for (int i = 0; i < filter.states_size(); ++i) {
    const int state = filter.states(i);
    if (v1::ApplyState_IsValid(state) && state != v1::APPLY_STATE_UNSPECIFIED) continue;
    violations->push_back(
        {absl::StrCat("filter.states[", i, "]"),
         absl::StrCat(state,
                      " is none of APPLY_STATE_APPLYING, APPLIED, FAILED, REFUSED, REVERTED "
                      "and QUARANTINED")});
  }
  if (!IsConditionType(filter.condition())) {
    violations->push_back({"filter.condition",
                           absl::StrCat("is not at most ", kMaxCondition, " of A-Z, 0-9 and '_'")});
  }
}

bool MeetsFilter(const NodeSnapshot& node, const v1::NodeFilter& filter,
                 const v1::Selector* of_policy) {
  const Labels& labels = node.identity->labels;
  if (filter.has_selector() && !Matches(filter.selector(), node.name, labels)) return false;
  if (of_policy != nullptr && !Matches(*of_policy, node.name, labels)) return false;
  if (filter.has_connected() && filter.connected() != node.connected) return false;
  if (filter.has_in_sync() && filter.in_sync() != node.in_sync()) return false;
  if (!filter.states().empty() && !HasState(node, filter)) return false;
  return filter.condition().empty() || ConditionsOf(node).count(filter.condition()) > 0;
}

}  // namespace hotplugger::server
