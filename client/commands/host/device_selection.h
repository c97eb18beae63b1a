// Which devices an operation is about, from the flags of offline and online.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "client/arguments.h"
#include "client/flag_values.h"
#include "hotplugger/v1/device.pb.h"

namespace hotplugger::client::host {

// What was given. One of them selects: `devices`, or one of the flags; `node` goes with `size`.
struct SelectionFlags {
  std::vector<std::string> devices;
  std::optional<std::string> cpus;
  std::optional<std::string> cores;
  std::optional<std::string> count;
  std::optional<std::string> blocks;
  std::optional<std::string> range;
  std::optional<std::string> size;
  std::optional<std::string> node;
  std::optional<std::string> memory_node;
};

// `flags` must outlive the parsing.
void DeclareSelection(Arguments& arguments, SelectionFlags* flags);

// The target that the flags mean. One device's name is taken as it is; several make a list, so they
// must be all CPUs or all memory blocks. Adds a violation for everything that is wrong, also where
// nothing or more than one thing is selected.
v1::DeviceTarget ReadSelection(const SelectionFlags& flags, Violations* violations);

// `status`, the agent's answer to a request with a target, with its fields named by the flags that
// set them.
absl::Status NameFlags(const absl::Status& status);

// Whether the target can only be CPUs.
bool SelectsCpus(const v1::DeviceTarget& target);

}  // namespace hotplugger::client::host
