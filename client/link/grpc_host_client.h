#pragma once

#include <grpcpp/channel.h>

#include <memory>

#include "client/host_client.h"
#include "client/link/call.h"

namespace hotplugger::client {

// HostClient over `channel`.
std::unique_ptr<HostClient> MakeGrpcHostClient(const std::shared_ptr<grpc::Channel>& channel,
                                               Peer peer);

}  // namespace hotplugger::client
