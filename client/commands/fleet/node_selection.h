// Of which nodes something is asked once, and how; from the flags of the verbs for drivers and of
// retry.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/commands/fleet/change_options.h"
#include "hotplugger/v1/fleet_service.pb.h"

namespace hotplugger::client::fleet {

struct NodeOptions {
  std::vector<std::string> nodes;
  std::optional<std::string> labels;
  std::optional<std::string> parallel;
  std::optional<std::string> deadline;
  bool keep_going = false;
  // For a change.
  NoteOptions note;
};

// For a question.
std::shared_ptr<NodeOptions> DeclareNodes(Arguments& arguments);

// For a change.
std::shared_ptr<NodeOptions> DeclareNodesToChange(Arguments& arguments);

// INVALID_ARGUMENT with every flag that is wrong, also where no node is named. The note goes with
// it where it is a change.
absl::StatusOr<v1::OperateNodesRequest> MakeNodesRequest(const NodeOptions& options,
                                                         v1::Operation operation, bool is_change,
                                                         const Session& session);

// `status`, the controller's answer to such a request, with its fields named by their flags.
absl::Status NameNodeFlags(const absl::Status& status);

}  // namespace hotplugger::client::fleet
