// The table of nodes.
#pragma once

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "client/output.h"
#include "hotplugger/v1/node.pb.h"

namespace hotplugger::client {

// Without rows. NAME CONNECTED IN-SYNC CPUS-ONLINE CPUS-OFFLINE SMT MEMORY-ONLINE MEMORY-OFFLINE
// DRIVERS STATE DRIFT LAST-CONTACT; with `wide` also LABELS KERNEL AGENT DESIRED, of which the last
// is the digest's beginning.
Table NodeTable(bool wide);

// One row's cells; `now` is for ages.
std::vector<std::string> NodeCells(const v1::Node& node, absl::Time now, bool wide);

// A row for a node that is forgotten: of it nothing else is known.
void AddGoneNodeRow(const std::string& name, bool wide, Table* table);

void AddNodeRow(const v1::Node& node, absl::Time now, bool wide, Table* table);

}  // namespace hotplugger::client
