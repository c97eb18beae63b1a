// The real Connector: synchronous gRPC stubs with deadlines.
#pragma once

#include <memory>

#include "client/connector.h"

namespace hotplugger::client {

std::unique_ptr<Connector> MakeGrpcConnector();

}  // namespace hotplugger::client
