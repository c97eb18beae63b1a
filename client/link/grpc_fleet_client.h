#pragma once

#include <grpcpp/channel.h>

#include <memory>

#include "client/fleet_client.h"
#include "client/link/call.h"

namespace hotplugger::client {

// FleetClient over `channel`.
std::unique_ptr<FleetClient> MakeGrpcFleetClient(const std::shared_ptr<grpc::Channel>& channel,
                                                 Peer peer);

}  // namespace hotplugger::client
