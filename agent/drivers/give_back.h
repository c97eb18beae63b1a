// CPUs that a driver has left offline.
#pragma once

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "agent/drivers/cpu_control.h"
#include "common/cpu_list.h"

namespace hotplugger::agent {

// Those of `candidates` that can come online and that nobody wants as they are.
CpuSet CpusToGiveBack(const CpuControl::View& view, const CpuSet& candidates);

// Brings all of `candidates` online that CpusToGiveBack names. Those that fail don't stop the
// others, but nothing is begun once `deadline`, a time of SteadyNow, is over; the error,
// FAILED_PRECONDITION (CPUS_NOT_GIVEN_BACK), names them and the first's cause.
absl::Status GiveBack(CpuControl& control, const CpuSet& candidates, absl::Time deadline);

// The same of those that `online_before` a driver ran, but for those that the agent's own drivers
// have parked. `*left` is what could come online and was not tried, since it was offline before.
absl::Status GiveBackSince(CpuControl& control, const CpuSet& online_before, absl::Time deadline,
                           CpuSet* left);

}  // namespace hotplugger::agent
