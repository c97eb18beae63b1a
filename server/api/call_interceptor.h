// Has a gRPC server's calls counted.
#pragma once

#include <grpcpp/support/server_interceptor.h>

#include <memory>

#include "server/api/call_counters.h"

namespace hotplugger::server {

// For ServerBuilder. `counters` outlives the server. A call has ended when its status is sent, so
// that who has it finds it counted; one that is cancelled ends so too, by the status that it is
// finished with.
std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface> MakeCallInterceptors(
    CallCounters* counters);

}  // namespace hotplugger::server
