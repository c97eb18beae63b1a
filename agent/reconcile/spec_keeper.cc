#include "agent/reconcile/spec_keeper.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "agent/reconcile/release.h"
#include "agent/reconcile/spec_check.h"
#include "agent/reconcile/spec_trial.h"
#include "common/error_info.h"
#include "common/log.h"
#include "common/proto_time.h"
#include "common/status_macros.h"

namespace hotplugger::agent {

// Nothing: the spec need not be confirmed.
std::optional<absl::Duration> SpecKeeper::WindowOf(const v1::Spec& spec) const {
  if (!spec.has_confirm_window()) return std::nullopt;
  const absl::Duration asked = ToDuration(spec.confirm_window());
  const absl::Duration window = std::clamp(asked, shortest_confirm_window_, kLongestConfirmWindow);
  if (window != asked) {
    Log(LogLevel::kWarning, "the confirm window is clamped",
        {{"digest", spec.digest()},
         {"asked", absl::FormatDuration(asked)},
         {"window", absl::FormatDuration(window)}});
  }
  return window;
}

absl::Status SpecKeeper::Take(const SpecOffer& offer) {
  const v1::Spec& spec = offer.spec;
  v1::NodeSpec parsed;
  std::vector<std::string> errors;
  v1::SpecAck ack;
  ack.set_nonce(spec.nonce());
  ack.set_digest(spec.digest());
  const absl::Status obeys = host_.CheckController(offer.controller);
  if (obeys.ok()) {
    errors = CheckSpec(spec, &parsed);
    if (!errors.empty()) ack.set_reason("SPEC_INVALID");
  } else {
    errors.emplace_back(obeys.message());
    ack.set_reason(ErrorReason(obeys));
  }
  const v1::RejectedSpec* rejection = FindRejection(host_.state(), spec.digest());
  if (errors.empty() && rejection != nullptr) {
    errors.push_back(rejection->message());
    ack.set_reason(rejection->state() == v1::APPLY_STATE_REVERTED ? "SPEC_REVERTED"
                                                                  : "SPEC_QUARANTINED");
  } else if (errors.empty()) {
    RETURN_IF_ERROR(TakeInForce(offer, parsed));
  }
  for (std::string& error : errors) {
    Log(LogLevel::kError, "spec refused", {{"digest", spec.digest()}, {"error", error}});
    ack.add_errors(std::move(error));
  }
  link_.SendAck(ack);
  if (rejection != nullptr) {
    // Also where it was told before: the controller doesn't seem to know.
    told_rejection_.clear();
    TellRejection();
  }
  return absl::OkStatus();
}

absl::Status SpecKeeper::TakeInForce(const SpecOffer& offer, const v1::NodeSpec& parsed) {
  v1::Baseline baseline = host_.state().baseline();
  const absl::StatusOr<v1::NodeSpec> before = host_.Spec();
  if (before.ok() && !before->leave_on_release().empty()) {
    ASSIGN_OR_RETURN(const Snapshot snapshot, host_.ReadSnapshot());
    baseline = ForgetLeft(std::move(baseline), *before, parsed, snapshot);
  }
  v1::AgentState state =
      agent::TakeInForce(host_.state(), offer.spec, WindowOf(offer.spec), std::move(baseline));
  SetObeyed(offer.controller, &state);
  // They stay where the spec is given up: the agent has seen them.
  state.set_spec_epoch(offer.controller.epoch);
  state.set_spec_store_revision(offer.spec.store_revision());
  // One that is in force is on the disk already: nothing new is promised.
  if (state.spec_digest() == host_.state().spec_digest()) {
    host_.KeepState(std::move(state));
  } else {
    RETURN_IF_ERROR(host_.SaveState(std::move(state)));
  }
  link_.NoteSpecTaken(offer.controller.epoch, offer.spec.store_revision());
  TellRejection();
  return absl::OkStatus();
}

// It makes the agent do nothing, so that a disk which can't keep this controller's identity is no
// reason to revert.
void SpecKeeper::Confirm(const std::string& digest, const ControllerIdentity& controller) {
  const absl::Status obeys = host_.CheckController(controller);
  if (!obeys.ok()) {
    Log(LogLevel::kWarning, "a confirmation is not taken",
        {{"digest", digest}, {"cause", std::string(obeys.message())}});
    return;
  }
  host_.KeepIfAny(NoteConfirmation(host_.state(), digest));
}

absl::Status SpecKeeper::BeginPass() {
  std::optional<v1::AgentState> noted = NoteStart(host_.state());
  if (!noted) return absl::OkStatus();
  if (IsProven(host_.state())) {
    host_.KeepState(*std::move(noted));
    return absl::OkStatus();
  }
  const absl::Status saved = host_.SaveState(*std::move(noted));
  if (saved.ok()) return saved;
  return MakeError(
      saved.code(), ErrorReason(saved),
      absl::StrCat("the spec was never carried out before, and is not begun while that "
                   "can't be written down, for agents may die of it: ",
                   saved.message()));
}

void SpecKeeper::EndPass(bool applied, const PassMemory& memory) {
  const PassEnd end = {
      .applied = applied, .carried_out = memory.carried_out, .unapplied = memory.unapplied};
  host_.KeepIfAny(NoteEnd(host_.state(), end, host_.boot_id()));
}

// A host that may be cut off goes back, whether its disk has room or not: an agent that dies before
// it can save begins the trial anew, and comes here again.
void SpecKeeper::Revert() {
  if (!ConfirmWindow(host_.state())) return;
  host_.KeepState(agent::Revert(host_.state(), host_.agent_version()));
  Log(LogLevel::kError, "spec reverted",
      {{"digest", host_.state().rejected().digest()},
       {"cause", host_.state().rejected().message()}});
}

void SpecKeeper::TellRejection() {
  const v1::RejectedSpec& rejected = host_.state().rejected();
  if (rejected.digest() == told_rejection_) return;
  told_rejection_ = rejected.digest();
  if (told_rejection_.empty()) {
    link_.ForgetRejection();
  } else {
    link_.SendRejection(ToReport(rejected));
  }
}

PassMemory SpecKeeper::RememberPasses() const {
  const v1::AgentState& state = host_.state();
  PassMemory memory;
  memory.carried_out = state.carried_out_in_boot() == host_.boot_id();
  if (memory.carried_out) memory.unapplied = {state.unapplied().begin(), state.unapplied().end()};
  return memory;
}

}  // namespace hotplugger::agent
