// What nodes answered to an operation on drivers, for a person.
#pragma once

#include <vector>

#include "client/command.h"
#include "client/exit_codes.h"
#include "hotplugger/v1/fleet_service.pb.h"

namespace hotplugger::client::fleet {

using NodeAnswers = std::vector<v1::OperateNodesResponse>;

// Each prints what the answers that are no error have, by node; where that is nothing, no heads.

// What changed.
void PrintChanges(const NodeAnswers& answers, std::ostream& out);

// All drivers, where switching is on and off, and which are left out.
void PrintNodeDrivers(const NodeAnswers& answers, std::ostream& out);

// One driver, which is all that each answer has, with what it decided.
void PrintNodesDriver(const NodeAnswers& answers, std::ostream& out);

// What changes devices and is no driver, and below what to do about each.
void PrintNodeActors(const NodeAnswers& answers, std::ostream& out);

// `warning: NODE: TEXT` for each of the answer's.
void PrintNodeWarnings(const v1::OperateNodesResponse& answer, std::ostream& err);

// A line for each node that could not do it.
void PrintFailures(const NodeAnswers& answers, std::ostream& err);

// As for an operation on this host, of all items of all nodes; a node that answered an error, or
// something without items, is one.
ExitCode ExitCodeOf(const NodeAnswers& answers);

}  // namespace hotplugger::client::fleet
