// The part of a pass that is about devices.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "agent/reconcile/host.h"
#include "agent/reconcile/lenient_settings.h"
#include "agent/reconcile/pass.h"
#include "agent/reconcile/plan.h"
#include "hotplugger/v1/node.pb.h"

namespace hotplugger::agent {

// Lives for one pass.
class DevicePass {
 public:
  // Takes every result, and, where it is the spec that says how the device is to be, who had it
  // otherwise (PassResult's enforced).
  using Add = std::function<void(v1::ItemResult item, std::optional<std::string> actor)>;
  // Takes what is left unlike the spec.
  using AddDrift = std::function<void(v1::DriftItem item)>;

  struct Parts {
    Host& host;
    const v1::NodeSpec& spec;
    PassMemory& memory;
    const PassOptions& options;
    // Of these the drift is told and nothing done.
    const LenientSettings& watched;
    Add add;
    AddDrift add_drift;
  };

  // All outlive this.
  explicit DevicePass(Parts parts)
      : host_(parts.host),
        spec_(parts.spec),
        memory_(parts.memory),
        options_(parts.options),
        watched_(parts.watched),
        add_(std::move(parts.add)),
        add_drift_(std::move(parts.add_drift)) {}

  // SMT first, since it brings CPUs with it, then single devices, then amounts of memory. The
  // baseline of what is touched is kept before the touch (Host::KeepBaseline). An error: the rest
  // was not tried.
  absl::Status Run();

  // Nothing is touched: answers what Run would change because the spec says so, and tells the
  // drift.
  absl::StatusOr<std::vector<std::string>> Look(const Snapshot& snapshot);

 private:
  void ForgetAbsent(const Snapshot& snapshot);
  // Puts the parked CPUs that the spec has a say in on the baseline, also where nothing is to be
  // done: from now on it is the spec's release that brings them back.
  void TakeFromDrivers(const WantedDevices& wanted, const Snapshot& snapshot);
  absl::Status Smt(const Snapshot& snapshot, const SmtChange& change);
  // Whether SMT is watched and now told to be otherwise.
  bool IsSmtDrift(const Snapshot& snapshot, const SmtChange& change);
  // Those of `changes` that are not watched; the drift of the others is told.
  std::vector<WantedDevice> WithoutDrift(std::vector<WantedDevice> changes);
  // Who had a device otherwise, where the spec says how it is to be.
  std::optional<std::string> ActorOf(const WantedDevice& wanted) const;
  // The results, in the order of `wanted`.
  absl::StatusOr<std::vector<v1::ItemResult>> Change(const std::vector<WantedDevice>& wanted,
                                                     const Snapshot& snapshot);
  absl::Status MemoryAmount();
  // The drift of an amount of memory that is watched.
  void TellAmountDrift(const Snapshot& snapshot);
  void ReportAmount(const MemoryBlocks& memory, std::vector<v1::ItemResult> failures);
  absl::Status NoMemoryHotplug();
  void Remember(const DeviceChange& change, const v1::ItemResult& item);

  Host& host_;
  const v1::NodeSpec& spec_;
  PassMemory& memory_;
  const PassOptions& options_;
  const LenientSettings& watched_;
  const Add add_;
  const AddDrift add_drift_;
};

}  // namespace hotplugger::agent
