#include "agent/reconcile/spec_trial.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/proto_time.h"

namespace hotplugger::agent {
namespace {

v1::SavedSpec InForce(const v1::AgentState& state) {
  v1::SavedSpec saved;
  saved.set_digest(state.spec_digest());
  saved.set_body(state.spec_body());
  *saved.mutable_sources() = state.spec_sources();
  return saved;
}

bool IsGood(const v1::SpecTrial& trial) { return trial.applied() && !trial.has_confirm_window(); }

// What a person reads at the controller.
std::string AndNow(const v1::SavedSpec& last_good) {
  return absl::StrCat(last_good.digest().empty()
                          ? "what it had changed was put back, for there was no earlier spec"
                          : "the last good spec is in force again",
                      "; this one isn't tried again until another one was taken");
}

v1::AgentState GiveUp(v1::AgentState state, v1::ApplyState why, absl::string_view message) {
  const v1::SavedSpec last_good = state.trial().last_good();
  v1::RejectedSpec& rejected = *state.mutable_rejected();
  rejected.set_digest(state.spec_digest());
  rejected.set_state(why);
  rejected.set_message(absl::StrCat(message, "; ", AndNow(last_good)));
  state.set_spec_digest(last_good.digest());
  state.set_spec_body(last_good.body());
  *state.mutable_spec_sources() = last_good.sources();
  state.clear_trial();
  state.clear_applied_in_boot();
  return state;
}

}  // namespace

const v1::RejectedSpec* FindRejection(const v1::AgentState& state, absl::string_view digest) {
  return state.has_rejected() && state.rejected().digest() == digest ? &state.rejected() : nullptr;
}

v1::NodeReport ToReport(const v1::RejectedSpec& rejected) {
  v1::NodeReport report;
  report.set_digest(rejected.digest());
  report.set_state(rejected.state());
  report.set_message(rejected.message());
  return report;
}

v1::AgentState TakeInForce(v1::AgentState state, const v1::Spec& spec,
                           std::optional<absl::Duration> confirm_window) {
  state.clear_rejected();
  const bool same = state.spec_digest() == spec.digest();
  if (!same) {
    v1::SpecTrial trial;
    *trial.mutable_last_good() = state.has_trial() ? state.trial().last_good() : InForce(state);
    if (confirm_window) SetDuration(*confirm_window, trial.mutable_confirm_window());
    if (trial.last_good().digest() == spec.digest()) {
      state.clear_trial();
    } else {
      *state.mutable_trial() = std::move(trial);
    }
    state.clear_applied_in_boot();
  }
  state.set_spec_digest(spec.digest());
  state.set_spec_body(spec.body());
  *state.mutable_spec_sources() = spec.sources();
  return state;
}

std::optional<v1::AgentState> NoteStart(const v1::AgentState& state) {
  if (!state.has_trial()) return std::nullopt;
  v1::AgentState noted = state;
  noted.mutable_trial()->set_unfinished_starts(state.trial().unfinished_starts() + 1);
  return noted;
}

std::optional<v1::AgentState> NoteEnd(const v1::AgentState& state, bool applied,
                                      const std::string& boot_id) {
  if (state.spec_digest().empty()) return std::nullopt;
  const bool news_of_boot = applied && state.applied_in_boot() != boot_id;
  const v1::SpecTrial& trial = state.trial();
  const bool news_of_trial =
      state.has_trial() && (trial.unfinished_starts() != 0 || (applied && !trial.applied()));
  if (!news_of_boot && !news_of_trial) return std::nullopt;
  v1::AgentState noted = state;
  if (applied) noted.set_applied_in_boot(boot_id);
  if (!noted.has_trial()) return noted;
  noted.mutable_trial()->set_unfinished_starts(0);
  if (applied) noted.mutable_trial()->set_applied(true);
  if (IsGood(noted.trial())) noted.clear_trial();
  return noted;
}

std::optional<v1::AgentState> NoteConfirmation(const v1::AgentState& state,
                                               absl::string_view digest) {
  if (state.spec_digest() != digest || !state.trial().has_confirm_window()) return std::nullopt;
  v1::AgentState noted = state;
  noted.mutable_trial()->clear_confirm_window();
  if (IsGood(noted.trial())) noted.clear_trial();
  return noted;
}

std::optional<absl::Duration> ConfirmWindow(const v1::AgentState& state) {
  if (!state.trial().has_confirm_window()) return std::nullopt;
  return ToDuration(state.trial().confirm_window());
}

v1::AgentState Revert(const v1::AgentState& state) {
  const absl::Duration window = ConfirmWindow(state).value_or(absl::ZeroDuration());
  return GiveUp(
      state, v1::APPLY_STATE_REVERTED,
      absl::StrCat("no controller was reached within ", absl::FormatDuration(window),
                   " of applying it (confirm), so the change may have cut this host off"));
}

std::optional<v1::AgentState> QuarantineIfDue(const v1::AgentState& state) {
  if (state.trial().unfinished_starts() < kMaxUnfinishedStarts) return std::nullopt;
  return GiveUp(state, v1::APPLY_STATE_QUARANTINED,
                absl::StrCat("the agent died ", state.trial().unfinished_starts(),
                             " times while it applied this spec (its log and the kernel's tell "
                             "more)"));
}

}  // namespace hotplugger::agent
