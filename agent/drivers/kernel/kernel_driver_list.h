// The lists of drivers that /sys/kernel/hotplugger shows, as text.
#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace hotplugger::agent {

struct KernelDriverState {
  std::string name;
  bool running = false;
};

struct KernelDriverList {
  // In the kernel's order.
  std::vector<KernelDriverState> drivers;
  // The kernel may have had no room for more names: those that are there are to be believed, but
  // not that there are no others.
  bool may_be_cut = false;
  // What is no driver's name, escaped.
  std::vector<std::string> unreadable;
};

// Reads the content of available_drivers: names separated by spaces, the running ones in brackets,
// a space at the end, "[none]" where there are none. Never fails: what can't be read is told.
KernelDriverList ParseKernelDriverList(absl::string_view content);

}  // namespace hotplugger::agent
