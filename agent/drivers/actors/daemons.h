// Programs that are known to take devices off or to bring them back.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "agent/devices/inventory/file_tree.h"

namespace hotplugger::agent {

struct KnownDaemon {
  // As proc/PID/comm has it.
  const char* program;
  // Of systemd, where it has one.
  const char* unit;
  const char* effect;
  // How to keep it from that without stopping it; empty: stop it.
  const char* remedy;
};

const std::vector<KnownDaemon>& KnownDaemons();

struct RunningDaemon {
  KnownDaemon daemon;
  int process = 0;
};

// Those that run now, one process of each.
absl::StatusOr<std::vector<RunningDaemon>> FindRunningDaemons(const FileTree& tree);

}  // namespace hotplugger::agent
