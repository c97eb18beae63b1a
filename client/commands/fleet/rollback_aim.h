// Which revision a rollback goes to where nobody says.
#pragma once

#include <cstdint>

#include "absl/status/statusor.h"
#include "hotplugger/v1/policy_service.pb.h"

namespace hotplugger::client::fleet {

// The revision before `current`, with which `history` begins. ABORTED (POLICY_CHANGED) where it
// doesn't; FAILED_PRECONDITION where nothing tells which one is meant: there is none before
// (NO_EARLIER_REVISION), or the policy is what an earlier revision was, so that the one before it
// is a way forward (ROLLED_BACK_ALREADY).
absl::StatusOr<int64_t> AimRollback(const v1::Policy& current,
                                    const v1::ListPolicyRevisionsResponse& history);

}  // namespace hotplugger::client::fleet
