#pragma once

namespace hotplugger {

// Blocks SIGTERM and SIGINT in this and all later threads, and ignores SIGPIPE. Call it first in
// main, before any thread starts.
void BlockShutdownSignals();

// Waits for SIGTERM or SIGINT and returns which. The one wait of a program without a deadline.
int WaitForShutdownSignal();

}  // namespace hotplugger
