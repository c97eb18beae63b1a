// Which zone a memory block is in, may go to, and would.
#pragma once

#include "agent/devices/inventory/memory.h"
#include "hotplugger/v1/device.pb.h"

namespace hotplugger::agent {

// Whether the kernel lets the block go online in `zone`; true where it says nothing of zones, and
// for UNSPECIFIED, which leaves the choice to it.
bool AllowsZone(const MemoryBlock& block, v1::MemoryZone zone);

// Whether the block would be movable: of its zones the kernel takes the first by itself.
bool WouldBeMovable(const MemoryBlock& block, v1::MemoryZone zone);

// Whether the block is online in another zone than `zone`; false for UNSPECIFIED.
bool IsInOtherZone(const MemoryBlock& block, v1::MemoryZone zone);

}  // namespace hotplugger::agent
