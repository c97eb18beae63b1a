// A host too large to be at hand: files as the kernel would show them, made up.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"

namespace hotplugger::testing {

struct SyntheticHostSize {
  // Two threads a core, eight packages.
  int cpus = 4096;
  int caches_per_cpu = 4;
  int memory_blocks = 32'768;
  // CPUs and blocks are shared out evenly.
  int nodes = 16;
};

// Lays the host out below `root`, an empty directory: all that DeviceReader reads, and what lscpu
// and lsmem read besides to show the same. About 213,000 files, each of which takes a page in
// memory where `root` lies in a tmpfs.
absl::Status BuildSyntheticHost(const SyntheticHostSize& size, const std::string& root);

// The files that DeviceReader::ReadAll reads there, each once, as paths below the root.
std::vector<std::string> FilesOfInventory(const SyntheticHostSize& size);

}  // namespace hotplugger::testing
