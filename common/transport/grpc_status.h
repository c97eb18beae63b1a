// absl::Status on the wire and back, with google.rpc details.
#pragma once

#include <grpcpp/support/status.h>

#include "absl/status/status.h"

namespace hotplugger {

// Payloads become details of a google.rpc.Status in the trailers.
grpc::Status ToGrpcStatus(const absl::Status& status);

// The reverse: details become payloads again.
absl::Status FromGrpcStatus(const grpc::Status& status);

}  // namespace hotplugger
