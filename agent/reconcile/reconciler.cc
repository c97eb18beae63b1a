#include "agent/reconcile/reconciler.h"

#include <algorithm>
#include <future>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "agent/devices/rules/item_result.h"
#include "agent/reconcile/release.h"
#include "agent/reconcile/report_items.h"
#include "agent/reconcile/spec_check.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/proto_time.h"
#include "common/status_macros.h"

namespace hotplugger::agent {
namespace {

// A host that has been left alone this long is at peace: drift is met at once again.
constexpr absl::Duration kPeace = absl::Minutes(2);

void LogPass(const PassResult& result) {
  const v1::NodeReport& report = result.report;
  for (const v1::ItemResult& item : report.items()) {
    if (item.outcome() == v1::OUTCOME_ALREADY) continue;
    Log(item.outcome() == v1::OUTCOME_FAILED || item.outcome() == v1::OUTCOME_REFUSED
            ? LogLevel::kWarning
            : LogLevel::kInfo,
        "reconciled",
        {{"subject", item.subject()},
         {"outcome", v1::Outcome_Name(item.outcome())},
         {"reason", item.reason()},
         {"message", item.message()}});
  }
}

// Nothing: the spec need not be confirmed.
std::optional<absl::Duration> WindowOf(const v1::Spec& spec, const Reconciler::Options& options) {
  if (!spec.has_confirm_window()) return std::nullopt;
  const absl::Duration asked = ToDuration(spec.confirm_window());
  const absl::Duration window =
      std::clamp(asked, options.shortest_confirm_window, kLongestConfirmWindow);
  if (window != asked) {
    Log(LogLevel::kWarning, "the confirm window is clamped",
        {{"digest", spec.digest()},
         {"asked", absl::FormatDuration(asked)},
         {"window", absl::FormatDuration(window)}});
  }
  return window;
}

}  // namespace

Reconciler::Reconciler(Host& host, WorkQueue& operation_queue, ControllerLink& link,
                       Options options)
    : host_(host),
      queue_(operation_queue),
      link_(link),
      options_(options),
      backoff_(options.retry) {}

Reconciler::~Reconciler() { Stop(); }

void Reconciler::Start() {
  thread_ = std::thread([this] { Run(); });
}

void Reconciler::Stop() {
  {
    MutexLock lock(&mutex_);
    stopped_ = true;
    wake_.NotifyAll();
  }
  if (thread_.joinable()) thread_.join();
}

void Reconciler::OfferSpec(v1::Spec spec, uint64_t epoch) {
  MutexLock lock(&mutex_);
  offer_ = Offer{std::move(spec), epoch};
  wake_.NotifyAll();
}

void Reconciler::ConfirmSpec(const std::string& digest, uint64_t epoch) {
  MutexLock lock(&mutex_);
  confirmation_ = Confirmation{digest, epoch};
  wake_.NotifyAll();
}

void Reconciler::HostChanged() {
  MutexLock lock(&mutex_);
  if (!std::exchange(host_changed_, true)) changed_at_ = SteadyNow();
  wake_.NotifyAll();
}

bool Reconciler::IsStopped() {
  MutexLock lock(&mutex_);
  return stopped_;
}

Reconciler::Turn Reconciler::WaitForWork(std::optional<Offer>* offer) {
  MutexLock lock(&mutex_);
  for (;;) {
    if (stopped_) return Turn::kStop;
    if (confirmation_) return Turn::kConfirm;
    const absl::Time now = SteadyNow();
    const absl::Time revert =
        offer_ ? absl::InfiniteFuture() : confirm_by_.value_or(absl::InfiniteFuture());
    if (now >= revert) return Turn::kRevert;
    const absl::Time due = offer_          ? absl::InfinitePast()
                           : host_changed_ ? std::max(changed_at_ + options_.settle, not_before_)
                                           : std::max(next_look_, not_before_);
    if (now >= due) break;
    if (host_changed_ && may_observe_) {
      // Once per delay: what was seen then stays true until the next pass, as far as anybody knows.
      may_observe_ = false;
      return Turn::kObserve;
    }
    wake_.WaitUntil(&mutex_, std::min(due, revert));
  }
  *offer = std::exchange(offer_, std::nullopt);
  host_changed_ = false;
  return Turn::kPass;
}

void Reconciler::ReportUnsaved(const Offer& offer, const absl::Status& cause) {
  const std::string& digest = offer.spec.digest();
  Log(LogLevel::kError, "the spec can't be saved and is tried again",
      {{"digest", digest}, {"cause", std::string(cause.message())}});
  v1::NodeReport report;
  report.set_digest(digest);
  report.set_state(v1::APPLY_STATE_FAILED);
  report.set_message(
      absl::StrCat("the spec can't be saved, so it is not applied; the agent tries "
                   "again: ",
                   cause.message()));
  report.set_retry(v1::RETRY_CLASS_TRANSIENT);
  link_.SendReport(report);
}

// The queue was full: a newer offer may have come meanwhile, which then stands.
void Reconciler::PutBack(std::optional<Offer> offer) {
  next_look_ = not_before_ = SteadyNow() + options_.retry.base;
  MutexLock lock(&mutex_);
  if (!offer_) offer_ = std::move(offer);
  host_changed_ = true;
  if (!stopped_) wake_.WaitUntil(&mutex_, not_before_);
}

void Reconciler::Run() {
  for (;;) {
    std::optional<Offer> offer;
    switch (WaitForWork(&offer)) {
      case Turn::kStop:
        return;
      case Turn::kPass:
        TakePass(std::move(offer));
        break;
      case Turn::kObserve:
        TakeLook();
        break;
      case Turn::kConfirm:
        TakeConfirmation();
        break;
      case Turn::kRevert:
        TakeRevert();
        break;
    }
  }
}

// Bounded: each operation of a pass has a deadline of its own.
bool Reconciler::OnQueue(const std::function<void()>& task) {
  std::promise<void> promise;
  std::future<void> done = promise.get_future();
  const absl::Status added = queue_.Add([&task, &promise] {
    task();
    promise.set_value();
  });
  if (!added.ok()) {
    Log(LogLevel::kWarning, "no reconcile pass", {{"cause", std::string(added.message())}});
    return false;
  }
  done.get();
  return true;
}

void Reconciler::TakePass(std::optional<Offer> offer) {
  PassResult result;
  absl::Status taken;
  const bool ran = OnQueue([&] {
    if (offer) taken = TakeSpec(*offer);
    result = Look();
  });
  if (ran) NotePass(std::move(result));
  if (ran && taken.ok()) return;
  if (ran) ReportUnsaved(*offer, taken);
  PutBack(std::move(offer));
}

void Reconciler::TakeLook() {
  PassResult result;
  if (!OnQueue([&] { result = ObservePass(host_, pass_memory_, OptionsOfPass()); })) return;
  drift_.Note(std::move(result.drift), {}, options_.wall_time());
  // What the last pass did, or could not do, is still so, but for what has been switched back
  // since.
  ReportItems items;
  for (const v1::ItemResult& item : result.report.items()) {
    if (last_failed_.count(item.subject()) == 0) *items.Add() = item;
  }
  for (const v1::ItemResult& item : last_items_) {
    const bool told = std::any_of(items.begin(), items.end(), [&item](const v1::ItemResult& other) {
      return other.subject() == item.subject();
    });
    if (!told) *items.Add() = item;
  }
  if (!last_failed_.empty()) result.report.set_state(v1::APPLY_STATE_FAILED);
  *result.report.mutable_items() = std::move(items);
  LimitItems(&result.report);
  NameConflicts(SteadyNow(), &result.report);
  Send(&result);
}

void Reconciler::TakeConfirmation() {
  std::optional<Confirmation> confirmation;
  {
    MutexLock lock(&mutex_);
    confirmation = std::exchange(confirmation_, std::nullopt);
  }
  const bool ran = OnQueue([&] {
    const absl::Status epoch = host_.TakeEpoch(confirmation->epoch);
    if (!epoch.ok()) {
      Log(LogLevel::kWarning, "a confirmation is not taken",
          {{"digest", confirmation->digest}, {"cause", std::string(epoch.message())}});
      return;
    }
    confirmed_digest_ = confirmation->digest;
    SaveConfirmation();
  });
  if (!ran) {
    MutexLock lock(&mutex_);
    if (!confirmation_) confirmation_ = std::move(confirmation);
    if (!stopped_) wake_.WaitUntil(&mutex_, SteadyNow() + options_.retry.base);
    return;
  }
  if (confirm_window_ || !confirm_by_) return;
  Log(LogLevel::kInfo, "spec confirmed", {{"digest", confirmation->digest}});
  confirm_by_.reset();
  last_report_.clear_awaits_confirmation();
  link_.SendReport(last_report_);
}

// What can't be saved is tried again with each pass: meanwhile this agent knows.
void Reconciler::SaveConfirmation() {
  const absl::Status saved = host_.SaveIfAny(NoteConfirmation(host_.state(), confirmed_digest_));
  if (!saved.ok()) {
    Log(LogLevel::kError, "the confirmation of the spec can't be saved",
        {{"digest", confirmed_digest_}, {"cause", std::string(saved.message())}});
  }
  const bool confirmed = host_.state().spec_digest() == confirmed_digest_;
  confirm_window_ = confirmed ? std::nullopt : ConfirmWindow(host_.state());
}

void Reconciler::TakeRevert() {
  PassResult result;
  absl::Status saved;
  const bool ran = OnQueue([&] {
    if (ConfirmWindow(host_.state())) {
      saved = host_.SaveState(Revert(host_.state(), host_.agent_version()));
      if (!saved.ok()) return;
      Log(LogLevel::kError, "spec reverted",
          {{"digest", host_.state().rejected().digest()},
           {"cause", host_.state().rejected().message()}});
    }
    result = Look();
  });
  if (ran && saved.ok()) return NotePass(std::move(result));
  if (ran) {
    Log(LogLevel::kError, "the last good spec can't be saved and is tried again",
        {{"cause", std::string(saved.message())}});
  }
  confirm_by_ = SteadyNow() + options_.retry.base;
}

absl::Status Reconciler::TakeSpec(const Offer& offer) {
  const v1::Spec& spec = offer.spec;
  v1::NodeSpec parsed;
  std::vector<std::string> errors =
      CheckSpec(spec, offer.epoch, host_.state().largest_epoch(), &parsed);
  const v1::RejectedSpec* rejection = FindRejection(host_.state(), spec.digest());
  if (errors.empty() && rejection != nullptr) {
    errors.push_back(rejection->message());
  } else if (errors.empty()) {
    RETURN_IF_ERROR(TakeInForce(offer, parsed));
  }
  v1::SpecAck ack;
  ack.set_nonce(spec.nonce());
  ack.set_digest(spec.digest());
  for (std::string& error : errors) {
    Log(LogLevel::kError, "spec refused", {{"digest", spec.digest()}, {"error", error}});
    ack.add_errors(std::move(error));
  }
  link_.SendAck(ack);
  if (rejection != nullptr) TellRejection();
  return absl::OkStatus();
}

absl::Status Reconciler::TakeInForce(const Offer& offer, const v1::NodeSpec& parsed) {
  v1::Baseline baseline = host_.state().baseline();
  const absl::StatusOr<v1::NodeSpec> before = host_.Spec();
  if (before.ok() && !before->leave_on_release().empty()) {
    ASSIGN_OR_RETURN(const Snapshot snapshot, host_.ReadSnapshot());
    baseline = ForgetLeft(std::move(baseline), *before, parsed, snapshot);
  }
  v1::AgentState state = agent::TakeInForce(host_.state(), offer.spec,
                                            WindowOf(offer.spec, options_), std::move(baseline));
  state.set_largest_epoch(offer.epoch);
  const bool same = state.spec_digest() == host_.state().spec_digest();
  RETURN_IF_ERROR(host_.SaveState(std::move(state)));
  if (!same) confirmed_digest_.clear();
  if (!told_rejection_.empty()) link_.ForgetRejection();
  told_rejection_.clear();
  return absl::OkStatus();
}

// The reconciler's thread waits meanwhile, so that its fields can be read here.
PassResult Reconciler::Look() {
  if (host_.state().spec_digest() != last_digest_) pass_memory_ = RememberPasses();
  PassResult result = RunPass(host_, pass_memory_, OptionsOfPass());
  EndPass(result.report.state() == v1::APPLY_STATE_APPLIED);
  // What was given up is said to have been put back.
  if (host_.state().rejected().digest() != told_rejection_) TellRejection();
  return result;
}

PassOptions Reconciler::OptionsOfPass() {
  PassOptions options;
  options.before_change = [this] { return BeginChange(); };
  options.stopped = [this] { return IsStopped(); };
  return options;
}

PassMemory Reconciler::RememberPasses() const {
  const v1::AgentState& state = host_.state();
  PassMemory memory;
  memory.carried_out = state.carried_out_in_boot() == host_.boot_id();
  if (memory.carried_out) memory.unapplied = {state.unapplied().begin(), state.unapplied().end()};
  return memory;
}

absl::Status Reconciler::BeginChange() {
  RETURN_IF_ERROR(host_.SaveIfAny(NoteStart(host_.state())));
  v1::NodeReport applying;
  applying.set_digest(host_.state().spec_digest());
  applying.set_state(v1::APPLY_STATE_APPLYING);
  if (applying.digest() == last_digest_) {
    drift_.Tell(&applying);
    // A controller that is reached again during a long pass answers this one: the window may have
    // passed once the pass ends.
    applying.set_awaits_confirmation(confirm_by_.has_value());
    *applying.mutable_items() = last_items_;
  }
  if (!applying.digest().empty()) link_.SendReport(applying);
  return absl::OkStatus();
}

// Where this can't be saved the next pass says it again; a start too many is counted at worst.
void Reconciler::EndPass(bool applied) {
  const PassEnd end = {.applied = applied,
                       .carried_out = pass_memory_.carried_out,
                       .unapplied = pass_memory_.unapplied};
  const absl::Status saved = host_.SaveIfAny(NoteEnd(host_.state(), end, host_.boot_id()));
  if (!saved.ok()) {
    Log(LogLevel::kError, "the end of a pass can't be saved",
        {{"cause", std::string(saved.message())}});
  }
  SaveConfirmation();
}

void Reconciler::TellRejection() {
  told_rejection_ = host_.state().rejected().digest();
  link_.SendRejection(ToReport(host_.state().rejected()));
}

void Reconciler::NoteSpec(const std::string& digest) {
  if (digest == last_digest_) return;
  last_digest_ = digest;
  looked_before_ = false;
  drift_.Clear();
  confirm_by_.reset();
  last_items_.Clear();
  last_failed_.clear();
  conflicts_.Clear();
  backoff_.Reset();
}

bool Reconciler::NoteReversions(const PassResult& result, absl::Time now) {
  std::vector<std::string> actors;
  for (const auto& [subject, actor] : result.enforced) {
    // The first pass of a spec makes it so; and what failed last time was not so yet.
    if (!looked_before_ || last_failed_.count(subject) > 0) continue;
    conflicts_.NoteReversion(subject, now);
    actors.push_back(actor);
  }
  drift_.Note(result.drift, actors, options_.wall_time());
  last_failed_.clear();
  for (const v1::ItemResult& item : result.report.items()) {
    if (!Succeeded(item)) last_failed_.insert(item.subject());
  }
  return !actors.empty();
}

void Reconciler::NoteConfirmWindow(absl::Time now) {
  if (!confirm_window_) {
    confirm_by_.reset();
  } else if (!confirm_by_) {
    confirm_by_ = now + *confirm_window_;
  }
}

void Reconciler::NotePass(PassResult result) {
  const absl::Time now = SteadyNow();
  NoteSpec(result.report.digest());
  const bool reverted = NoteReversions(result, now);
  NoteConfirmWindow(now);
  LogPass(result);
  *result.report.mutable_items() = MergeItems(last_items_, result.report.items());
  LimitItems(&result.report);
  Schedule(result, reverted, now);
  looked_before_ = true;
  last_items_ = result.report.items();
  NameConflicts(now, &result.report);
  Send(&result);
}

// Whatever changes again under the same spec is a fight, also where something else fails for good:
// a driver that can't start and is undone each time, or a CPU that somebody brings back.
void Reconciler::Schedule(const PassResult& result, bool reverted, absl::Time now) {
  const bool transient = result.report.state() == v1::APPLY_STATE_FAILED &&
                         result.report.retry() == v1::RETRY_CLASS_TRANSIENT;
  // A write that did not last: somebody switches it back faster than it can be read.
  const bool disputed =
      std::any_of(result.report.items().begin(), result.report.items().end(),
                  [](const v1::ItemResult& item) { return item.reason() == "NOT_VERIFIED"; });
  const bool undone =
      std::any_of(result.report.items().begin(), result.report.items().end(),
                  [](const v1::ItemResult& item) { return item.outcome() == v1::OUTCOME_UNDONE; });
  const bool fights = reverted || (looked_before_ && undone) || disputed;
  if (!fights && !transient && now - last_change_ > kPeace) backoff_.Reset();
  if (fights || transient) last_change_ = now;
  next_look_ = now + options_.slow_interval;
  not_before_ = absl::InfinitePast();
  last_delay_ = fights || transient ? backoff_.Next() : absl::ZeroDuration();
  if (fights) not_before_ = now + last_delay_;
  // What may succeed soon is tried again by itself; meanwhile the drift of others is met at once.
  if (transient) next_look_ = now + last_delay_;
  MutexLock lock(&mutex_);
  may_observe_ = reverted;
}

void Reconciler::NameConflicts(absl::Time now, v1::NodeReport* report) {
  for (v1::ItemResult& item : *report->mutable_items()) {
    if (!conflicts_.IsConflict(item.subject(), now)) continue;
    item.set_reason("CONFLICT");
    item.set_message(conflicts_.Describe(item.subject(), now, last_delay_));
  }
  if (report->state() != v1::APPLY_STATE_FAILED || !report->message().empty()) return;
  for (const v1::ItemResult& item : report->items()) {
    if (Succeeded(item)) continue;
    report->set_message(absl::StrCat(item.subject(), ": ", item.message()));
    return;
  }
}

void Reconciler::Send(PassResult* result) {
  drift_.Tell(&result->report);
  result->report.set_awaits_confirmation(confirm_by_.has_value());
  last_report_ = result->report;
  // Nothing to report where the controller has never said what it wants.
  if (!result->report.digest().empty()) link_.SendReport(result->report);
  if (result->inventory) link_.SendInventory(*result->inventory);
}

}  // namespace hotplugger::agent
