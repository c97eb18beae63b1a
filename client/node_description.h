#pragma once

#include <ostream>

#include "absl/time/time.h"
#include "hotplugger/v1/node.pb.h"

namespace hotplugger::client {

// Prints everything that is known of a node, for a person; `now` is for ages.
void PrintNodeDescription(const v1::Node& node, absl::Time now, std::ostream& out);

}  // namespace hotplugger::client
