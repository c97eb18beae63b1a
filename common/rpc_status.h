// absl::Status as a message, with google.rpc details.
#pragma once

#include "absl/status/status.h"
#include "google/rpc/status.pb.h"

namespace hotplugger {

// Payloads become details.
google::rpc::Status ToRpcStatus(const absl::Status& status);

// The reverse. A code that is none is UNKNOWN.
absl::Status FromRpcStatus(const google::rpc::Status& status);

}  // namespace hotplugger
