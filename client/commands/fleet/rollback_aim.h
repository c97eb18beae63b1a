// Which revision a rollback goes to where nobody says.
#pragma once

#include <cstdint>
#include <optional>

#include "absl/status/statusor.h"
#include "hotplugger/v1/policy_service.pb.h"

namespace hotplugger::client::fleet {

// The revision before `current`, with which `history` begins. ABORTED (POLICY_CHANGED) where it
// doesn't; FAILED_PRECONDITION where nothing tells which one is meant: there is none before
// (NO_EARLIER_REVISION), or the policy is what an earlier revision was, so that the one before it
// is a way forward (ROLLED_BACK_ALREADY).
absl::StatusOr<int64_t> AimRollback(const v1::Policy& current,
                                    const v1::ListPolicyRevisionsResponse& history);

// Where the policy, with this history, may have its present content by a rollback to `revision` (0:
// the one before): that request, without its id and note.
std::optional<v1::RollbackPolicyRequest> FirstRollback(
    const v1::ListPolicyRevisionsResponse& history, int64_t revision);

}  // namespace hotplugger::client::fleet
