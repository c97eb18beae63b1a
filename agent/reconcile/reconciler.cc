#include "agent/reconcile/reconciler.h"

#include <algorithm>
#include <future>
#include <utility>

#include "common/log.h"
#include "common/status_macros.h"

namespace hotplugger::agent {
namespace {

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

}  // namespace

Reconciler::Reconciler(Host& host, WorkQueue& operation_queue, ControllerLink& link,
                       Options options)
    : host_(host),
      queue_(operation_queue),
      link_(link),
      options_(std::move(options)),
      specs_(host, link, options_.shortest_confirm_window),
      account_(host.counters()),
      schedule_({.slow_interval = options_.slow_interval,
                 .settle = options_.settle,
                 .retry = options_.retry}) {}

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

void Reconciler::OfferSpec(v1::Spec spec, const ControllerIdentity& controller) {
  MutexLock lock(&mutex_);
  offer_ = SpecOffer{std::move(spec), controller};
  schedule_.NoteOffer();
  wake_.NotifyAll();
}

void Reconciler::NoteController(const ControllerIdentity& controller) {
  MutexLock lock(&mutex_);
  if (confirmation_ && confirmation_->controller.epoch != controller.epoch) confirmation_.reset();
  offer_stands_ = false;
  if (!offer_) return;
  offer_.reset();
  LookAfterDrop();
}

void Reconciler::ConfirmSpec(const std::string& digest, const ControllerIdentity& controller) {
  MutexLock lock(&mutex_);
  confirmation_ = Confirmation{digest, controller};
  wake_.NotifyAll();
}

void Reconciler::HostChanged() {
  MutexLock lock(&mutex_);
  schedule_.NoteChange(options_.steady_time());
  wake_.NotifyAll();
}

bool Reconciler::IsStopped() {
  MutexLock lock(&mutex_);
  return stopped_;
}

Reconciler::Turn Reconciler::WaitForWork(std::optional<SpecOffer>* offer) {
  MutexLock lock(&mutex_);
  for (;;) {
    if (stopped_) return Turn::kStop;
    if (confirmation_) return Turn::kConfirm;
    const absl::Time now = options_.steady_time();
    const absl::Time offer_due = offer_ ? schedule_.offer_due() : absl::InfiniteFuture();
    if (now >= offer_due) {
      *offer = std::exchange(offer_, std::nullopt);
      offer_stands_ = true;
      schedule_.TakePass();
      return Turn::kPass;
    }
    // A spec that has come takes the place of the one that waits, so that nothing is given up.
    if (now >= confirm_clock_.due()) return Turn::kRevert;
    const PassSchedule::Due due = schedule_.Take(now);
    if (due == PassSchedule::Due::kPass) return Turn::kPass;
    if (due == PassSchedule::Due::kLook) return Turn::kLook;
    const absl::Time next = std::min({offer_due, confirm_clock_.due(), schedule_.next()});
    wake_.WaitUntil(&mutex_, SteadyNow() + (next - now));
  }
}

void Reconciler::Run() {
  for (;;) {
    std::optional<SpecOffer> offer;
    switch (WaitForWork(&offer)) {
      case Turn::kStop:
        return;
      case Turn::kPass:
        TakePass(std::move(offer));
        break;
      case Turn::kLook:
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

void Reconciler::TakePass(std::optional<SpecOffer> offer) {
  PassResult result;
  absl::Status taken;
  const bool ran = OnQueue([&] {
    if (offer && OfferStands()) taken = specs_.Take(*offer);
    result = Pass();
  });
  if (ran) {
    NotePass(std::move(result));
  } else {
    MutexLock lock(&mutex_);
    schedule_.PostponePass(options_.steady_time());
  }
  if (!offer || !OfferStands() || (ran && taken.ok())) return;
  // What could not be saved is no bad spec: it is kept and tried again.
  if (ran) {
    Log(LogLevel::kError, "the spec can't be saved and is tried again",
        {{"digest", offer->spec.digest()}, {"cause", std::string(taken.message())}});
    link_.SendReport(UnsavedReport(offer->spec.digest(), taken));
  }
  PutBack(*std::move(offer));
}

bool Reconciler::OfferStands() {
  MutexLock lock(&mutex_);
  return offer_stands_;
}

void Reconciler::PutBack(SpecOffer offer) {
  MutexLock lock(&mutex_);
  if (offer_) return;
  if (!offer_stands_) return LookAfterDrop();
  offer_ = std::move(offer);
  schedule_.PostponeOffer(options_.steady_time());
}

// The last report may be that it could not be saved: one of the spec in force takes its place.
void Reconciler::LookAfterDrop() {
  schedule_.NoteChange(options_.steady_time());
  wake_.NotifyAll();
}

void Reconciler::TakeLook() {
  PassResult result;
  if (!OnQueue([&] { result = ObservePass(host_, pass_memory_, OptionsOfPass()); })) return;
  account_.NoteLook(&result, options_.wall_time());
  Send(options_.steady_time(), &result);
}

void Reconciler::TakeConfirmation() {
  std::optional<Confirmation> confirmation;
  {
    MutexLock lock(&mutex_);
    confirmation = std::exchange(confirmation_, std::nullopt);
  }
  const bool ran = OnQueue([&] {
    specs_.Confirm(confirmation->digest, confirmation->controller);
    confirm_window_ = ConfirmWindow(host_.state());
  });
  if (!ran) {
    MutexLock lock(&mutex_);
    if (!confirmation_) confirmation_ = std::move(confirmation);
    if (!stopped_) wake_.WaitUntil(&mutex_, SteadyNow() + options_.retry.base);
    return;
  }
  if (confirm_window_ || !confirm_clock_.runs()) return;
  Log(LogLevel::kInfo, "spec confirmed", {{"digest", confirmation->digest}});
  confirm_clock_.Stop();
  link_.SendReport(account_.Confirmed());
}

void Reconciler::TakeRevert() {
  PassResult result;
  const bool ran = OnQueue([&] {
    specs_.Revert();
    result = Pass();
  });
  if (ran) return NotePass(std::move(result));
  confirm_clock_.Postpone(options_.steady_time() + options_.retry.base);
}

PassResult Reconciler::Pass() {
  host_.RetrySaving();
  if (host_.state().spec_digest() != account_.digest()) pass_memory_ = specs_.RememberPasses();
  PassResult result = RunPass(host_, pass_memory_, OptionsOfPass());
  specs_.EndPass(result.report.state() == v1::APPLY_STATE_APPLIED, pass_memory_);
  confirm_window_ = ConfirmWindow(host_.state());
  // What was given up is said to have been put back.
  specs_.TellRejection();
  // The end of the pass was saved, or wasn't, after the inventory was made.
  if (result.inventory) host_.TellConditions(&*result.inventory);
  return result;
}

PassOptions Reconciler::OptionsOfPass() {
  PassOptions options;
  options.before_change = [this] { return BeginChange(); };
  options.stopped = [this] { return IsStopped(); };
  return options;
}

absl::Status Reconciler::BeginChange() {
  RETURN_IF_ERROR(specs_.BeginPass());
  const std::string& digest = host_.state().spec_digest();
  if (!digest.empty()) link_.SendReport(account_.Applying(digest, confirm_clock_.runs()));
  return absl::OkStatus();
}

void Reconciler::NotePass(PassResult result) {
  const absl::Time now = options_.steady_time();
  const bool new_spec = account_.NoteSpec(result.report.digest());
  if (new_spec) confirm_clock_.Stop();
  confirm_clock_.NotePass(confirm_window_, now);
  LogPass(result);
  const PassOutcome outcome = account_.NotePass(&result, now, options_.wall_time());
  {
    MutexLock lock(&mutex_);
    if (new_spec) schedule_.NoteNewSpec();
    schedule_.NotePass(outcome, now);
    delay_ = schedule_.delay();
  }
  Send(now, &result);
}

void Reconciler::Send(absl::Time now, PassResult* result) {
  account_.Complete(now, delay_, confirm_clock_.runs(), &result->report);
  // Nothing to report where the controller has never said what it wants.
  if (!result->report.digest().empty()) link_.SendReport(result->report);
  if (result->inventory) link_.SendInventory(*result->inventory);
}

}  // namespace hotplugger::agent
