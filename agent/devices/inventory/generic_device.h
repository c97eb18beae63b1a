// Devices of any bus that have an `online` file: containers, Xen's CPUs, channel devices and
// others.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "agent/devices/inventory/file_tree.h"

namespace hotplugger::agent {

struct GenericDevice {
  std::string bus;
  std::string name;
  bool online = false;
  // See FindOnlineDescendants; filled where a change of the device is at stake, since it costs a
  // walk of the tree.
  std::vector<std::string> online_descendants = {};

  bool operator==(const GenericDevice&) const = default;
};

// By bus and name; the buses cpu and memory have kinds of their own and are left out. At most 4,096
// of a bus are looked at. One whose state can't be read is left out, with a warning.
absl::StatusOr<std::vector<GenericDevice>> ReadGenericDevices(const FileTree& tree,
                                                              std::vector<std::string>* warnings);

// One of them; NOT_FOUND where there is no such device, FAILED_PRECONDITION (NOT_HOTPLUGGABLE)
// where it has no `online` file (contract 30).
absl::StatusOr<GenericDevice> ReadGenericDevice(const FileTree& tree, absl::string_view bus,
                                                absl::string_view name);

// Names ("cpu3", "memory32", "container/PNP0A06:01") of what sits below the device in the tree of
// devices, can go offline and is online: while there is one, the device can't (contract 24). At
// most 8 levels and 4,096 folders are looked at.
absl::StatusOr<std::vector<std::string>> FindOnlineDescendants(const FileTree& tree,
                                                               absl::string_view bus,
                                                               absl::string_view name);

}  // namespace hotplugger::agent
