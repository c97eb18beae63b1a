// Why a device or driver of a node is to be as it is, for a person.
#pragma once

#include <ostream>

#include "absl/time/time.h"
#include "hotplugger/v1/explain_service.pb.h"

namespace hotplugger::client::fleet {

// The sentence, who has a say and why others don't, what the node reports, and what its host says
// or why it said nothing.
void PrintExplanation(const v1::ExplainSubjectResponse& explanation, absl::Time now,
                      std::ostream& out);

}  // namespace hotplugger::client::fleet
