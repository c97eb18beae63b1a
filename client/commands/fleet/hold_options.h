// What the verbs that set a hold take besides its subject.
#pragma once

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "client/commands/fleet/change_options.h"
#include "hotplugger/v1/policy.pb.h"

namespace hotplugger::client::fleet {

struct HoldOptions {
  ChangeOptions change;
  // --for and --until.
  std::optional<std::string> ttl;
  std::optional<std::string> until;
};

// `options` must outlive the parsing.
void DeclareHoldOptions(Arguments& arguments, HoldOptions* options);

// A hold of that subject with all that the options say. INVALID_ARGUMENT with every flag that is
// wrong.
absl::StatusOr<v1::Hold> MakeHold(const std::string& node, const std::string& subject,
                                  v1::DeviceState state, const HoldOptions& options,
                                  const Session& session);

}  // namespace hotplugger::client::fleet
