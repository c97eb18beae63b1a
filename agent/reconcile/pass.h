// One reconcile pass: compare the host with the spec, do what is missing, say what happened.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "absl/status/status.h"
#include "agent/reconcile/host.h"
#include "hotplugger/v1/node.pb.h"

namespace hotplugger::agent {

// What passes of one spec remember: changes that the kernel refused for good, by subject and wanted
// state. They are not tried again until the spec changes (kernel 8: poisoned memory never is).
struct PassMemory {
  std::map<std::pair<std::string, bool>, v1::ItemResult> given_up;
};

struct PassResult {
  // Of the spec in the host's state; digest empty where there is none. `retry` is the most urgent
  // of its items'.
  v1::NodeReport report;
  // After the pass; nothing where it could not be read.
  std::optional<v1::Inventory> inventory;
  // Whether anything was switched.
  bool changed = false;
  // Devices and drivers that were switched because the spec says how they are to be: what was so
  // before has been switched back by somebody. Hot-added ones and releases are not among them.
  std::set<std::string> enforced;
};

struct PassOptions {
  // Called once, before the first write, if there is one.
  std::function<void()> before_change = [] {};
  // Asked before each step of a group: the agent is stopping.
  std::function<bool()> stopped = [] { return false; };
};

// Carries out one pass on the operation queue's thread. The result is always usable: whatever went
// wrong is in the report.
PassResult RunPass(Host& host, PassMemory& memory, const PassOptions& options);

// Looks without touching anything: what RunPass would change are items of their own, FAILED with
// reason DRIFT. For the time in which somebody else's changes are not undone.
PassResult ObservePass(Host& host);

}  // namespace hotplugger::agent
