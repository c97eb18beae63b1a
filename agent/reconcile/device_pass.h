// The part of a pass that is about devices.
#pragma once

#include <functional>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "agent/reconcile/host.h"
#include "agent/reconcile/pass.h"
#include "agent/reconcile/plan.h"
#include "hotplugger/v1/node.pb.h"

namespace hotplugger::agent {

// Lives for one pass.
class DevicePass {
 public:
  // Takes every result, and whether it is the spec that says how the device is to be (PassResult's
  // enforced).
  using Add = std::function<void(v1::ItemResult item, bool by_spec)>;

  // All outlive this.
  DevicePass(Host& host, const v1::NodeSpec& spec, PassMemory& memory, const PassOptions& options,
             Add add)
      : host_(host), spec_(spec), memory_(memory), options_(options), add_(std::move(add)) {}

  // SMT first, since it brings CPUs with it, then single devices, then amounts of memory. The
  // baseline of what is touched is on disk before the touch. An error: the rest was not tried.
  absl::Status Run();

 private:
  void ForgetAbsent(const Snapshot& snapshot);
  // Puts the parked CPUs that the spec has a say in on the baseline, also where nothing is to be
  // done: from now on it is the spec's release that brings them back.
  absl::Status TakeFromDrivers(const WantedDevices& wanted, const Snapshot& snapshot);
  absl::Status Smt(const Snapshot& snapshot, const SmtChange& change);
  // The results, in the order of `wanted`.
  absl::StatusOr<std::vector<v1::ItemResult>> Change(const std::vector<WantedDevice>& wanted,
                                                     const Snapshot& snapshot);
  absl::Status MemoryAmount();
  void ReportAmount(const MemoryBlocks& memory, std::vector<v1::ItemResult> failures);
  absl::Status NoMemoryHotplug();
  void Remember(const DeviceChange& change, const v1::ItemResult& item);

  Host& host_;
  const v1::NodeSpec& spec_;
  PassMemory& memory_;
  const PassOptions& options_;
  const Add add_;
};

}  // namespace hotplugger::agent
