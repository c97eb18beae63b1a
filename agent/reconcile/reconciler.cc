#include "agent/reconcile/reconciler.h"

#include <algorithm>
#include <future>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "agent/reconcile/report_items.h"
#include "agent/reconcile/spec_check.h"
#include "common/log.h"
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

void Reconciler::HostChanged() {
  MutexLock lock(&mutex_);
  host_changed_ = true;
  wake_.NotifyAll();
}

bool Reconciler::WaitForWork(std::optional<Offer>* offer) {
  MutexLock lock(&mutex_);
  for (;;) {
    if (stopped_) return false;
    const absl::Time due = offer_          ? absl::InfinitePast()
                           : host_changed_ ? not_before_
                                           : std::max(next_look_, not_before_);
    if (absl::Now() >= due) break;
    wake_.WaitUntil(&mutex_, due);
  }
  *offer = std::exchange(offer_, std::nullopt);
  host_changed_ = false;
  return true;
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
  link_.SendReport(report);
}

// The queue was full: a newer offer may have come meanwhile, which then stands.
void Reconciler::PutBack(std::optional<Offer> offer) {
  next_look_ = not_before_ = absl::Now() + options_.retry.base;
  MutexLock lock(&mutex_);
  if (!offer_) offer_ = std::move(offer);
  host_changed_ = true;
  if (!stopped_) wake_.WaitUntil(&mutex_, not_before_);
}

void Reconciler::Run() {
  std::optional<Offer> offer;
  while (WaitForWork(&offer)) {
    std::promise<PassResult> promise;
    std::future<PassResult> done = promise.get_future();
    absl::Status taken;
    const absl::Status added = queue_.Add([this, &offer, &promise, &taken] {
      if (offer) taken = TakeSpec(*offer);
      promise.set_value(Look());
    });
    if (!added.ok()) {
      Log(LogLevel::kWarning, "no reconcile pass", {{"cause", std::string(added.message())}});
      PutBack(std::move(offer));
      continue;
    }
    // Bounded: each operation of a pass has a deadline of its own.
    NotePass(done.get());
    if (!taken.ok()) {
      ReportUnsaved(*offer, taken);
      PutBack(std::move(offer));
    }
  }
}

absl::Status Reconciler::TakeSpec(const Offer& offer) {
  const v1::Spec& spec = offer.spec;
  v1::NodeSpec parsed;
  std::vector<std::string> errors =
      CheckSpec(spec, offer.epoch, host_.state().largest_epoch(), &parsed);
  if (errors.empty()) {
    v1::AgentState state = host_.state();
    state.set_spec_digest(spec.digest());
    state.set_spec_body(spec.body());
    *state.mutable_spec_sources() = spec.sources();
    state.set_largest_epoch(offer.epoch);
    RETURN_IF_ERROR(host_.SaveState(std::move(state)));
  }
  v1::SpecAck ack;
  ack.set_nonce(spec.nonce());
  ack.set_digest(spec.digest());
  for (std::string& error : errors) {
    Log(LogLevel::kError, "spec refused", {{"digest", spec.digest()}, {"error", error}});
    ack.add_errors(std::move(error));
  }
  link_.SendAck(ack);
  return absl::OkStatus();
}

PassResult Reconciler::Look() {
  // The reconciler's thread waits meanwhile, so that its fields can be read here.
  return RunPass(host_, [this] {
    v1::NodeReport applying;
    applying.set_digest(host_.state().spec_digest());
    applying.set_state(v1::APPLY_STATE_APPLYING);
    if (applying.digest() == last_digest_) {
      applying.set_drift_count(drift_count_);
      *applying.mutable_items() = last_items_;
    }
    if (!applying.digest().empty()) link_.SendReport(applying);
  });
}

void Reconciler::NotePass(PassResult result) {
  const absl::Time now = absl::Now();
  const bool same_spec = result.report.digest() == last_digest_;
  const bool failed = result.report.state() == v1::APPLY_STATE_FAILED;
  if (!same_spec) {
    last_digest_ = result.report.digest();
    applied_before_ = false;
    looked_before_ = false;
    drift_count_ = 0;
  }
  const bool drifted = same_spec && applied_before_ && result.changed;
  if (drifted) ++drift_count_;
  result.report.set_drift_count(drift_count_);
  LogPass(result);
  if (same_spec) {
    *result.report.mutable_items() = MergeItems(last_items_, result.report.items());
  }
  last_items_ = result.report.items();
  // Nothing to report where the controller has never said what it wants.
  if (!result.report.digest().empty()) link_.SendReport(result.report);
  if (result.inventory) link_.SendInventory(*result.inventory);

  // Whatever changes again under the same spec is a fight, also where something else fails for
  // good: a driver that can't start and is undone each time, or a CPU that somebody brings back.
  const bool fights = (looked_before_ && result.changed) || (failed && result.retryable);
  looked_before_ = true;
  if (!fights && now - last_change_ > kPeace) backoff_.Reset();
  if (!same_spec) backoff_.Reset();
  if (fights) last_change_ = now;
  applied_before_ = !failed;
  next_look_ = now + options_.slow_interval;
  not_before_ = absl::InfinitePast();
  if (fights) not_before_ = now + backoff_.Next();
  if (failed && result.retryable) next_look_ = not_before_;
}

}  // namespace hotplugger::agent
