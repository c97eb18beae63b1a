// How a spec proves good, and what becomes of one that doesn't: pure functions of the agent's
// memory. Where they answer nothing, nothing is to be saved.
#pragma once

#include <cstddef>
#include <optional>
#include <set>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "hotplugger/v1/agent_state.pb.h"
#include "hotplugger/v1/link.pb.h"
#include "hotplugger/v1/node.pb.h"

namespace hotplugger::agent {

// So many agents may die while they apply a spec; then it is given up (DESIGN 12).
inline constexpr int kMaxUnfinishedStarts = 2;

// Of a spec that was carried out so many subjects at most are remembered as unapplied; where there
// are more, a restarted agent carries out all of it anew.
inline constexpr size_t kMaxUnapplied = 256;

// What a confirm window is clamped to.
inline constexpr absl::Duration kShortestConfirmWindow = absl::Seconds(5);
inline constexpr absl::Duration kLongestConfirmWindow = absl::Hours(1);

// The one given up last, if that is this.
const v1::RejectedSpec* FindRejection(const v1::AgentState& state, absl::string_view digest);
// As it is told to a controller.
v1::NodeReport ToReport(const v1::RejectedSpec& rejected);

// Whether what this host is to be was lost with the state file (see state_loss.h): until a
// controller says it, nothing is changed, lest what is held is released. Kept as a trial of no
// spec.
bool IsSpecLost(const v1::AgentState& state);
void MarkSpecLost(v1::AgentState* state);

// `state` with `spec` in force, which must have been checked, and what was given up forgotten. A
// spec that is in force already goes on as it was; the last good one is good again; any other is on
// trial, and the last good one stays the last *good* one, unless the one in force is a way back
// itself: carried out, in part at least, and not waiting for a confirmation. `confirm_window`:
// already clamped. `baseline`: what the spec doesn't leave of the one in `state`.
v1::AgentState TakeInForce(v1::AgentState state, const v1::Spec& spec,
                           std::optional<absl::Duration> confirm_window, v1::Baseline baseline);

// Whether agents have lived through a pass of the spec in force, so that the next may begin though
// its beginning can't be saved.
bool IsProven(const v1::AgentState& state);
// Before the first write of a pass.
std::optional<v1::AgentState> NoteStart(const v1::AgentState& state);
// How a pass ended.
struct PassEnd {
  // All of the spec was applied.
  bool applied = false;
  // This pass or an earlier one of the spec has tried all of it.
  bool carried_out = false;
  // Then: the subjects that could not be brought to their state.
  std::set<std::string> unapplied;
};
// However it ended, this agent didn't die of it.
std::optional<v1::AgentState> NoteEnd(const v1::AgentState& state, const PassEnd& end,
                                      const std::string& boot_id);
// A controller has heard of this spec. Of another one: nothing.
std::optional<v1::AgentState> NoteConfirmation(const v1::AgentState& state,
                                               absl::string_view digest);

// How long the spec in force may wait for its confirmation; nothing: it needs none.
std::optional<absl::Duration> ConfirmWindow(const v1::AgentState& state);

// `state`, whose spec is on trial, with the last good one in force again and this one given up by
// an agent of this version; what the trial left is to be restored again.
v1::AgentState Revert(const v1::AgentState& state, const std::string& agent_version);
// The same of one in whose application agents died; nothing while they were too few.
std::optional<v1::AgentState> QuarantineIfDue(const v1::AgentState& state,
                                              const std::string& agent_version);
// `state` with the spec of this digest, or whichever it is where that is empty, given up no more,
// so that it may be tried anew; nothing where none is. FAILED_PRECONDITION (NOT_GIVEN_UP): it is
// another one.
absl::StatusOr<std::optional<v1::AgentState>> ForgiveRejection(const v1::AgentState& state,
                                                               const std::string& digest);
// What an agent of another version gave up may be tried again by this one.
v1::AgentState ForgetRejectionByAnother(v1::AgentState state, absl::string_view agent_version);

}  // namespace hotplugger::agent
