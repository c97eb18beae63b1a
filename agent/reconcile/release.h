// What is left as it is when a spec gives way to another one (ReleaseMode LEAVE): pure.
#pragma once

#include "agent/devices/inventory/snapshot.h"
#include "hotplugger/v1/agent_state.pb.h"
#include "hotplugger/v1/node.pb.h"

namespace hotplugger::agent {

// `baseline` without what `before` wanted by its leaving settings and `after` doesn't speak of, so
// that it is not put back. A setting of an amount (a count, a share, bytes) speaks of every device
// that it can choose from, one of names of those alone.
v1::Baseline ForgetLeft(v1::Baseline baseline, const v1::NodeSpec& before,
                        const v1::NodeSpec& after, const Snapshot& snapshot);

}  // namespace hotplugger::agent
