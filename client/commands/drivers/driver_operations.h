// The operations on drivers as the command line gives them, for this host and for nodes alike.
#pragma once

#include <functional>

#include "absl/status/statusor.h"
#include "client/arguments.h"
#include "client/host_client.h"
#include "hotplugger/v1/operation.pb.h"

namespace hotplugger::client {

// What the arguments say, once they are parsed.
using MakeOperation = std::function<absl::StatusOr<v1::Operation>()>;

// Each declares its arguments.
MakeOperation DeclareEnableOperation(Arguments& arguments);
MakeOperation DeclareDisableOperation(Arguments& arguments);
MakeOperation DeclareSwitchOperation(Arguments& arguments);
MakeOperation DeclareSwitchingOperation(Arguments& arguments);
MakeOperation DeclareRegisterOperation(Arguments& arguments);
MakeOperation DeclareUnregisterOperation(Arguments& arguments);

// Asks the agent of this host.
absl::StatusOr<v1::OperationResult> CarryOut(const v1::Operation& operation, HostClient& host);

}  // namespace hotplugger::client
