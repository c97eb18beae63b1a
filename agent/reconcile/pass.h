// One reconcile pass: compare the host with the spec, do what is missing, say what happened.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "agent/reconcile/host.h"
#include "hotplugger/v1/node.pb.h"

namespace hotplugger::agent {

// What passes of one spec remember.
struct PassMemory {
  // Changes that the kernel refused for good, by subject and wanted state. They are not tried again
  // until the spec changes (kernel 8: poisoned memory never is).
  std::map<std::pair<std::string, bool>, v1::ItemResult> given_up;
  // A pass in this boot has carried out all of the spec but for what is in `unapplied`, by subject:
  // of settings in report_drift_of the drift is told from then on and nothing done.
  bool carried_out = false;
  std::set<std::string> unapplied;
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
  // before has been switched back by somebody, who stands beside it as in DriftItem. Hot-added ones
  // and releases are not among them.
  std::map<std::string, std::string> enforced;
  // What is unlike the spec and was left so; without times.
  std::vector<v1::DriftItem> drift;
};

struct PassOptions {
  // Called once, before the first write, if there is one. An error ends the pass instead.
  std::function<absl::Status()> before_change = [] { return absl::OkStatus(); };
  // Asked before each step of a group: the agent is stopping.
  std::function<bool()> stopped = [] { return false; };
};

// Carries out one pass on the operation queue's thread. The result is always usable: whatever went
// wrong is in the report.
PassResult RunPass(Host& host, PassMemory& memory, const PassOptions& options);

// Looks without touching anything: what RunPass would change are items of their own, FAILED with
// reason DRIFT. For the time in which somebody else's changes are not undone.
PassResult ObservePass(Host& host, const PassMemory& memory = {}, const PassOptions& options = {});

}  // namespace hotplugger::agent
