#include "agent/reconcile/spec_trial.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/error_info.h"
#include "common/proto_time.h"
#include "google/protobuf/util/message_differencer.h"

namespace hotplugger::agent {

using google::protobuf::util::MessageDifferencer;

namespace {

v1::SavedSpec InForce(const v1::AgentState& state) {
  v1::SavedSpec saved;
  saved.set_digest(state.spec_digest());
  saved.set_body(state.spec_body());
  *saved.mutable_sources() = state.spec_sources();
  return saved;
}

bool IsGood(const v1::SpecTrial& trial) { return trial.applied() && !trial.has_confirm_window(); }

// Good enough to go back to, though a part of it may fail for good: else one refused CPU would keep
// the way back at some spec of long ago, with all that has been held since released.
bool IsWayBack(const v1::AgentState& state) {
  return !state.has_trial() || (state.trial().carried_out() && !state.trial().has_confirm_window());
}

template <typename Map>
void Merge(const Map& from, Map* into) {
  for (const auto& [name, was] : from) (*into)[name] = was;
}

// `into` with the records of `from`, which are the older ones.
void MergeRecords(const v1::Baseline& from, v1::Baseline* into) {
  if (from.switching() != v1::SWITCH_UNSPECIFIED) into->set_switching(from.switching());
  // All else a reboot has put back by itself.
  if (from.boot_id() != into->boot_id()) return;
  Merge(from.devices(), into->mutable_devices());
  Merge(from.zones(), into->mutable_zones());
  Merge(from.drivers(), into->mutable_drivers());
  if (from.has_smt()) *into->mutable_smt() = from.smt();
}

template <typename Map>
void EraseKept(const Map& kept, Map* records) {
  for (const auto& [name, was] : kept) records->erase(name);
}

// The records of `before` that `after` has no more.
v1::Baseline Dropped(v1::Baseline before, const v1::Baseline& after) {
  EraseKept(after.devices(), before.mutable_devices());
  EraseKept(after.zones(), before.mutable_zones());
  EraseKept(after.drivers(), before.mutable_drivers());
  if (after.has_smt()) before.clear_smt();
  if (after.switching() != v1::SWITCH_UNSPECIFIED) before.clear_switching();
  before.clear_cpus_seen_online();
  before.clear_memory_seen_online();
  return before;
}

// The trial of a spec that takes the place of the one in force.
v1::SpecTrial NewTrial(const v1::AgentState& state, std::optional<absl::Duration> confirm_window,
                       const v1::Baseline& baseline) {
  v1::SpecTrial trial;
  *trial.mutable_left() = Dropped(state.baseline(), baseline);
  if (IsWayBack(state)) {
    *trial.mutable_last_good() = InForce(state);
  } else {
    *trial.mutable_last_good() = state.trial().last_good();
    trial.set_last_good_lost(state.trial().last_good_lost());
    MergeRecords(state.trial().left(), trial.mutable_left());
  }
  if (confirm_window) SetDuration(*confirm_window, trial.mutable_confirm_window());
  return trial;
}

void ForgetCarriedOut(v1::AgentState* state) {
  state->clear_carried_out_in_boot();
  state->clear_unapplied();
}

void NoteCarriedOut(const PassEnd& end, const std::string& boot_id, v1::AgentState* state) {
  if (!end.carried_out) return;
  if (state->has_trial()) state->mutable_trial()->set_carried_out(true);
  ForgetCarriedOut(state);
  if (end.unapplied.size() > kMaxUnapplied) return;
  state->set_carried_out_in_boot(boot_id);
  *state->mutable_unapplied() = {end.unapplied.begin(), end.unapplied.end()};
}

// What a person reads at the controller.
std::string AndNow(const v1::SpecTrial& trial) {
  absl::string_view now = "the last good spec is in force again";
  if (trial.last_good_lost()) {
    now =
        "the last good spec was lost with the agent's state, so nothing is released: what this "
        "one has changed, too, stays as it is until a controller has sent another one";
  } else if (trial.last_good().digest().empty()) {
    now = "what it had changed was put back, for there was no earlier spec";
  }
  return absl::StrCat(now,
                      "; this one isn't tried again until another one was taken, or `hotplugctl "
                      "retry NODE` asks for it");
}

v1::AgentState GiveUp(v1::AgentState state, v1::ApplyState why, absl::string_view message,
                      const std::string& agent_version) {
  const v1::SpecTrial trial = state.trial();
  v1::RejectedSpec& rejected = *state.mutable_rejected();
  rejected.set_digest(state.spec_digest());
  rejected.set_state(why);
  rejected.set_message(absl::StrCat(message, "; ", AndNow(trial)));
  rejected.set_agent_version(agent_version);
  MergeRecords(trial.left(), state.mutable_baseline());
  state.set_spec_digest(trial.last_good().digest());
  state.set_spec_body(trial.last_good().body());
  *state.mutable_spec_sources() = trial.last_good().sources();
  state.clear_trial();
  if (trial.last_good_lost()) MarkSpecLost(&state);
  ForgetCarriedOut(&state);
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

bool IsSpecLost(const v1::AgentState& state) {
  return state.has_trial() && state.spec_digest().empty();
}

void MarkSpecLost(v1::AgentState* state) {
  state->clear_spec_digest();
  state->clear_spec_body();
  state->clear_spec_sources();
  *state->mutable_trial() = v1::SpecTrial();
  state->mutable_trial()->set_last_good_lost(true);
}

v1::AgentState TakeInForce(v1::AgentState state, const v1::Spec& spec,
                           std::optional<absl::Duration> confirm_window, v1::Baseline baseline) {
  state.clear_rejected();
  const bool same = state.spec_digest() == spec.digest();
  if (!same) {
    v1::SpecTrial trial = NewTrial(state, confirm_window, baseline);
    if (trial.last_good().digest() == spec.digest()) {
      state.clear_trial();
    } else {
      *state.mutable_trial() = std::move(trial);
    }
    ForgetCarriedOut(&state);
  }
  *state.mutable_baseline() = std::move(baseline);
  state.set_spec_digest(spec.digest());
  state.set_spec_body(spec.body());
  *state.mutable_spec_sources() = spec.sources();
  return state;
}

bool IsProven(const v1::AgentState& state) {
  return !state.has_trial() || state.trial().carried_out();
}

std::optional<v1::AgentState> NoteStart(const v1::AgentState& state) {
  if (!state.has_trial()) return std::nullopt;
  v1::AgentState noted = state;
  noted.mutable_trial()->set_unfinished_starts(state.trial().unfinished_starts() + 1);
  return noted;
}

std::optional<v1::AgentState> NoteEnd(const v1::AgentState& state, const PassEnd& end,
                                      const std::string& boot_id) {
  if (state.spec_digest().empty()) return std::nullopt;
  v1::AgentState noted = state;
  NoteCarriedOut(end, boot_id, &noted);
  if (noted.has_trial()) {
    noted.mutable_trial()->set_unfinished_starts(0);
    if (end.applied) noted.mutable_trial()->set_applied(true);
    if (IsGood(noted.trial())) noted.clear_trial();
  }
  if (MessageDifferencer::Equals(noted, state)) return std::nullopt;
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

v1::AgentState Revert(const v1::AgentState& state, const std::string& agent_version) {
  const absl::Duration window = ConfirmWindow(state).value_or(absl::ZeroDuration());
  return GiveUp(state, v1::APPLY_STATE_REVERTED,
                absl::StrCat("no controller was reached within ", absl::FormatDuration(window),
                             " of applying it (confirm), so the change may have cut this host off"),
                agent_version);
}

std::optional<v1::AgentState> QuarantineIfDue(const v1::AgentState& state,
                                              const std::string& agent_version) {
  if (state.trial().unfinished_starts() < kMaxUnfinishedStarts) return std::nullopt;
  return GiveUp(state, v1::APPLY_STATE_QUARANTINED,
                absl::StrCat("the agent died ", state.trial().unfinished_starts(),
                             " times while it applied this spec (its log and the kernel's tell "
                             "more)"),
                agent_version);
}

absl::StatusOr<std::optional<v1::AgentState>> ForgiveRejection(const v1::AgentState& state,
                                                               const std::string& digest) {
  if (!state.has_rejected()) return std::nullopt;
  const std::string& rejected = state.rejected().digest();
  if (!digest.empty() && digest != rejected) {
    return MakeError(absl::StatusCode::kFailedPrecondition, "NOT_GIVEN_UP",
                     absl::StrCat("this agent has given up spec ", rejected, ", not ", digest,
                                  "; look at the node again, and retry what it has given up"),
                     {{"digest", digest}, {"rejected_digest", rejected}});
  }
  v1::AgentState forgiven = state;
  forgiven.clear_rejected();
  return forgiven;
}

v1::AgentState ForgetRejectionByAnother(v1::AgentState state, absl::string_view agent_version) {
  if (state.rejected().agent_version() != agent_version) state.clear_rejected();
  return state;
}

}  // namespace hotplugger::agent
