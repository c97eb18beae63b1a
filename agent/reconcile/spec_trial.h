// How a spec proves good, and what becomes of one that doesn't: pure functions of the agent's
// memory. Where they answer nothing, nothing is to be saved.
#pragma once

#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "hotplugger/v1/agent_state.pb.h"
#include "hotplugger/v1/link.pb.h"
#include "hotplugger/v1/node.pb.h"

namespace hotplugger::agent {

// So many agents may die while they apply a spec; then it is given up (DESIGN 12).
inline constexpr int kMaxUnfinishedStarts = 2;

// What a confirm window is clamped to.
inline constexpr absl::Duration kShortestConfirmWindow = absl::Seconds(5);
inline constexpr absl::Duration kLongestConfirmWindow = absl::Hours(1);

// The one given up last, if that is this.
const v1::RejectedSpec* FindRejection(const v1::AgentState& state, absl::string_view digest);
// As it is told to a controller.
v1::NodeReport ToReport(const v1::RejectedSpec& rejected);

// `state` with `spec` in force, which must have been checked, and what was given up forgotten. A
// spec that is in force already goes on as it was; the last good one is good again; any other is on
// trial, and the last good one stays the last *good* one. `confirm_window`: already clamped.
v1::AgentState TakeInForce(v1::AgentState state, const v1::Spec& spec,
                           std::optional<absl::Duration> confirm_window);

// Before the first write of a pass.
std::optional<v1::AgentState> NoteStart(const v1::AgentState& state);
// A pass came to its end, all of the spec `applied` or not: this agent didn't die of it.
std::optional<v1::AgentState> NoteEnd(const v1::AgentState& state, bool applied,
                                      const std::string& boot_id);
// A controller has heard of this spec. Of another one: nothing.
std::optional<v1::AgentState> NoteConfirmation(const v1::AgentState& state,
                                               absl::string_view digest);

// How long the spec in force may wait for its confirmation; nothing: it needs none.
std::optional<absl::Duration> ConfirmWindow(const v1::AgentState& state);

// `state`, whose spec is on trial, with the last good one in force again and this one given up.
v1::AgentState Revert(const v1::AgentState& state);
// The same of one in whose application agents died; nothing while they were too few.
std::optional<v1::AgentState> QuarantineIfDue(const v1::AgentState& state);

}  // namespace hotplugger::agent
