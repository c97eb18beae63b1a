// One reconcile pass: compare the host with the spec, do what is missing, say what happened.
#pragma once

#include <optional>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "agent/reconcile/host.h"
#include "hotplugger/v1/node.pb.h"

namespace hotplugger::agent {

struct PassResult {
  // Of the spec in the host's state; digest empty where there is none.
  v1::NodeReport report;
  // After the pass; nothing where it could not be read.
  std::optional<v1::Inventory> inventory;
  // Whether anything was switched.
  bool changed = false;
  // Whether a failure may go away by itself.
  bool retryable = false;
};

// Carries out one pass on the operation queue's thread. `before_change` is called once,
// before the first write, if there is one. The result is always usable:
// whatever went wrong is in the report.
PassResult RunPass(Host& host, absl::FunctionRef<void()> before_change);

}  // namespace hotplugger::agent
