// Looks for whatever changes devices on this host and is no registered driver.
#pragma once

#include <string>
#include <vector>

#include "agent/devices/inventory/file_tree.h"
#include "hotplugger/v1/driver.pb.h"

namespace hotplugger::agent {

struct ConflictingActors {
  std::vector<v1::ConflictingActor> actors;
  // What could not be looked at.
  std::vector<std::string> warnings;
};

// Rules of udev, auto_online_blocks, lines of tmpfiles.d and running programs, in this order. Units
// of `driver_units` are drivers, and left out. All texts are printable; one that is longer than
// kMaxActorText bytes is cut and ends in "...". What is too many is left out with a warning, so
// that the whole stays below 256 KiB. Safe for concurrent use.
inline constexpr size_t kMaxActors = 200;
inline constexpr size_t kMaxActorWarnings = 50;
inline constexpr size_t kMaxActorText = 240;
ConflictingActors FindConflictingActors(const FileTree& tree,
                                        const std::vector<std::string>& driver_units);

}  // namespace hotplugger::agent
