#include "agent/devices/rules/zones.h"

#include <algorithm>

namespace hotplugger::agent {
namespace {

bool IsMovable(const std::string& zone) { return zone == "Movable"; }

}  // namespace

bool AllowsZone(const MemoryBlock& block, v1::MemoryZone zone) {
  if (block.zones.empty() || zone == v1::MEMORY_ZONE_UNSPECIFIED) return true;
  const auto movable = std::count_if(block.zones.begin(), block.zones.end(), &IsMovable);
  if (zone == v1::MEMORY_ZONE_MOVABLE) return movable > 0;
  return static_cast<size_t>(movable) < block.zones.size();
}

bool WouldBeMovable(const MemoryBlock& block, v1::MemoryZone zone) {
  if (zone != v1::MEMORY_ZONE_UNSPECIFIED) return zone == v1::MEMORY_ZONE_MOVABLE;
  return !block.zones.empty() && IsMovable(block.zones.front());
}

bool IsInOtherZone(const MemoryBlock& block, v1::MemoryZone zone) {
  return (zone == v1::MEMORY_ZONE_MOVABLE && block.zone == BlockZone::kKernel) ||
         (zone == v1::MEMORY_ZONE_KERNEL && block.zone == BlockZone::kMovable);
}

}  // namespace hotplugger::agent
