// `load`: parks cores that are not needed, wakes them when they are.
#pragma once

#include <optional>

#include "agent/devices/inventory/file_tree.h"
#include "agent/drivers/builtin/cpu_usage.h"
#include "agent/drivers/builtin/parking_rule.h"
#include "agent/drivers/builtin/settings.h"

namespace hotplugger::agent {

// One measurement.
struct LoadSample {
  absl::Time time;
  // What it is the average of: the time since the measurement before.
  absl::Duration span;
  // CPUs' worth of work.
  double busy_cpus = 0;
  // Share of the time in which a task waited for a CPU, 0 to 1; nothing where the kernel has no
  // such count.
  std::optional<double> pressure;
};

// Decides from measurements alone. Parking is slow: one core at a time, only if those that stay
// would still be below park_below_percent, park_samples times in a row, and after cooldown_seconds
// in which nothing was needed: so a load that comes and goes within the cool-down parks nothing,
// and while there is none one core follows another. Waking is fast: half of the parked cores at
// each measurement. A measurement that came late hides the peaks within its span: it may wake, and
// never speaks for parking.
class LoadJudge {
 public:
  explicit LoadJudge(const LoadSettings& settings) : settings_(settings) {}

  void Begin(absl::Time now);
  ParkingWish Judge(const LoadSample& sample, const ParkingState& state);

 private:
  LoadSettings settings_;
  int low_samples_ = 0;
  int high_samples_ = 0;
  // When the CPUs that are online were last needed. Waking counts, since it follows a need; parking
  // doesn't, so that the next core may follow after park_samples.
  absl::Time last_needed_ = absl::InfinitePast();
};

class LoadRule final : public ParkingRule {
 public:
  // `tree` outlives this.
  LoadRule(const FileTree& tree, const LoadSettings& settings) : tree_(tree), judge_(settings) {}

  absl::Status Begin(absl::Time now) override;
  absl::StatusOr<ParkingWish> Judge(const ParkingState& state, absl::Time now) override;

 private:
  struct Reading {
    absl::Time time;
    CpuTimes times;
    std::optional<uint64_t> pressure;
  };

  absl::StatusOr<Reading> Read(absl::Time now) const;

  const FileTree& tree_;
  LoadJudge judge_;
  Reading last_;
};

}  // namespace hotplugger::agent
