#include "client/commands/fleet/policy_results.h"

#include "absl/strings/str_cat.h"
#include "client/text.h"

namespace hotplugger::client::fleet {

std::string StoredLine(const v1::Policy& policy, int matched_nodes, const std::string& what,
                       const ChangeOptions& options) {
  return absl::StrCat("policy/", Printable(policy.name()), " ", what, " (revision ",
                      policy.revision(), ", matches ", matched_nodes,
                      matched_nodes == 1 ? " node" : " nodes", ")", DryRunMark(options));
}

}  // namespace hotplugger::client::fleet
