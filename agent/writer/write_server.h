// The writer's whole work: the only code that writes to the kernel.
#pragma once

#include "agent/writer/protocol.h"

namespace hotplugger::agent {

// Lets kAbortSignal interrupt a write, SIGTERM end the process, and no other signal do anything.
void PrepareSignals();

// The tree that is written to, and the knobs in it that may be.
struct WriteScope {
  int root = -1;
  // Patterns of fnmatch, ended by nullptr. Null: none.
  const char* const* knobs = nullptr;
};

// Carries out one request; answers the kernel's errno, 0 for success, EINVAL for a request that is
// none, EACCES for a knob that no pattern matches. Blocks as long as the kernel does.
int CarryOut(const WriteScope& scope, const WriteRequest& request);

// Reads requests from `socket` and answers each, one at a time, until the other end closes.
// Returns a process's exit status.
int ServeWrites(int socket, const WriteScope& scope);

}  // namespace hotplugger::agent
