// --kind: which kinds of devices are asked for.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/arguments.h"
#include "hotplugger/v1/device.pb.h"

namespace hotplugger::client::host {

// `kinds` must outlive the parsing.
void DeclareKinds(Arguments& arguments, std::vector<std::string>* kinds);

// Each kind once; none: all. INVALID_ARGUMENT for what is no kind.
absl::StatusOr<std::vector<v1::DeviceKind>> ReadKinds(const std::vector<std::string>& kinds);

}  // namespace hotplugger::client::host
