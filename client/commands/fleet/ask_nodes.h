// One question to many nodes, from the call to the exit status.
#pragma once

#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "client/command.h"
#include "client/commands/fleet/node_answers.h"
#include "hotplugger/v1/fleet_service.pb.h"

namespace hotplugger::client::fleet {

// What is done to every answer before anybody sees it.
using EditAnswer = std::function<void(v1::OperateNodesResponse* answer)>;

// Every node's answer by name, and how it ended: those that came are worth showing also where it
// ended early.
struct AskedNodes {
  NodeAnswers answers;
  absl::Status ended;
  absl::Status printed;
};

// Asks until all have answered or an interrupt comes. As documents answers are printed as they
// come.
AskedNodes AskNodes(
    const v1::OperateNodesRequest& request, Session& session,
    const EditAnswer& edit = [](v1::OperateNodesResponse*) {});

// Prints what failed, and what isn't known, and says with what to exit. `where_to_look` tells where
// to see what became of a change; empty: it was a question.
absl::StatusOr<ExitCode> EndOf(const AskedNodes& asked, const std::string& where_to_look,
                               Session& session);

}  // namespace hotplugger::client::fleet
