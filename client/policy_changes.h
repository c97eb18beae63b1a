// What one revision of a policy changed.
#pragma once

#include <string>

#include "hotplugger/v1/policy.pb.h"

namespace hotplugger::client {

// In one line, field by field in the order of a policy file: "cpu.offline: 2-3 to 2-5, priority:
// none to 10". A long list of changes is cut, and the rest counted; "nothing" where there is none.
std::string DescribeChanges(const v1::Policy& before, const v1::Policy& after);

}  // namespace hotplugger::client
