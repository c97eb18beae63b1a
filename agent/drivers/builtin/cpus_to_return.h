// CPUs that a driver of the agent's own has to bring back, until each of them is.
#pragma once

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "agent/drivers/cpu_control.h"
#include "common/cpu_list.h"

namespace hotplugger::agent {

// Used on the operation queue's thread alone.
class CpusToReturn {
 public:
  // From a try that failed to the next, doubling up to the longest: each leaves a line in the
  // journal.
  static constexpr absl::Duration kFirstPause = absl::Seconds(2);
  static constexpr absl::Duration kLongestPause = absl::Minutes(5);

  // `control` outlives this.
  explicit CpusToReturn(CpuControl& control) : control_(control) {}

  void Add(const CpuSet& cpus) { cpus_.insert(cpus.begin(), cpus.end()); }

  // Those that are not back yet.
  const CpuSet& cpus() const { return cpus_; }

  // Whether there are any, and the last try was long enough ago. Times are of the driver's clock.
  bool IsDue(absl::Time now) const { return !cpus_.empty() && now >= next_try_; }

  // Tries all of them, begins nothing once `deadline`, a time of SteadyNow, is over. Those that
  // have left the host or that are somebody's decision need not come back; those that SMT forbids
  // wait for it. The error, FAILED_PRECONDITION (CPUS_NOT_GIVEN_BACK), names those that failed and
  // the first's cause.
  absl::Status Return(absl::Time now, absl::Time deadline);

 private:
  absl::Status TryAll(absl::Time deadline);
  absl::Status TryOne(int cpu, absl::Time deadline);

  CpuControl& control_;
  CpuSet cpus_;
  absl::Duration pause_ = kFirstPause;
  absl::Time next_try_ = absl::InfinitePast();
};

}  // namespace hotplugger::agent
