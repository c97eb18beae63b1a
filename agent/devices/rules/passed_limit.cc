#include "agent/devices/rules/passed_limit.h"

#include "absl/strings/str_cat.h"
#include "common/error_info.h"

namespace hotplugger::agent {
absl::Status Refuse(absl::string_view device, const PassedLimit& limit) {
  ErrorMetadata facts = {{"limit", std::string(limit.key)},
                         {"value", limit.value},
                         {"retry", std::string(limit.retry)}};
  if (!device.empty()) facts.emplace_back("device", std::string(device));
  if (!limit.left.empty()) facts.emplace_back("left", limit.left);
  return MakeError(absl::StatusCode::kFailedPrecondition, limit.reason,
                   absl::StrCat(limit.outcome, "; this host's limits.", limit.key, " is ",
                                limit.value, "; its agent.yaml can change that"),
                   facts);
}

}  // namespace hotplugger::agent
