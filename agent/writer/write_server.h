// The writer's whole work: the only code that writes to the kernel.
#pragma once

#include "agent/writer/protocol.h"

namespace hotplugger::agent {

// Lets kAbortSignal interrupt a write, SIGTERM end the process, and no other signal do anything.
void PrepareSignals();

// Carries out one request below the directory `root`; answers the kernel's errno, 0 for success,
// EINVAL for a request that is none. Blocks as long as the kernel does.
int CarryOut(int root, const WriteRequest& request);

// Reads requests from `socket` and answers each, one at a time, until the other end closes.
// Returns a process's exit status.
int ServeWrites(int socket, int root);

}  // namespace hotplugger::agent
