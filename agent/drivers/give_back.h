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
// others; the error, FAILED_PRECONDITION (CPUS_NOT_GIVEN_BACK), names them and the first's cause.
absl::Status GiveBack(CpuControl& control, const CpuSet& candidates, absl::Time deadline);

// The same of every CPU that is offline, but for those that the agent's own drivers have parked.
absl::Status GiveBackAll(CpuControl& control, absl::Time deadline);

}  // namespace hotplugger::agent
