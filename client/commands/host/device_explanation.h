// Why a device is as it is, as its host says, wherever that is asked.
#pragma once

#include <ostream>

#include "absl/time/time.h"
#include "hotplugger/v1/host_service.pb.h"

namespace hotplugger::client::host {

// For a person: the sentence, the device's facts, who has a say, what stands in the way, and the
// last operations.
void PrintExplanation(const v1::ExplainDeviceResponse& explanation, absl::Time now,
                      std::ostream& out);

}  // namespace hotplugger::client::host
