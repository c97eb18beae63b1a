// Keeps the host as its spec says: decides when to look, and carries the news both ways.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <thread>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "agent/reconcile/conflict_tracker.h"
#include "agent/reconcile/controller_link.h"
#include "agent/reconcile/drift_log.h"
#include "agent/reconcile/host.h"
#include "agent/reconcile/pass.h"
#include "agent/reconcile/report_items.h"
#include "agent/reconcile/spec_trial.h"
#include "common/backoff.h"
#include "common/clock.h"
#include "common/mutex.h"
#include "common/work_queue.h"

namespace hotplugger::agent {

// Has one thread, which decides; the passes themselves run on the operation queue. All public
// methods are safe for concurrent use and never block on the kernel or the disk.
class Reconciler {
 public:
  struct Options {
    // A look at the host even if nobody announced a change. The fastest timer of an idle agent.
    absl::Duration slow_interval = absl::Seconds(60);
    // From the first sign of a change to the look at it: a change of SMT is announced by every CPU,
    // and a person's next operation need not wait for a look at the last.
    absl::Duration settle = absl::Milliseconds(50);
    // Between passes after failures, and between passes that undo what somebody else does.
    Backoff::Options retry = {.base = absl::Seconds(1), .cap = absl::Seconds(60)};
    // Confirm windows below it are lengthened to it.
    absl::Duration shortest_confirm_window = kShortestConfirmWindow;
    // What time it is, for people.
    std::function<absl::Time()> wall_time = absl::Now;
  };

  // All outlive this. Start begins the work; without it nothing happens.
  Reconciler(Host& host, WorkQueue& operation_queue, ControllerLink& link, Options options);
  // Stops: a pass under way is waited for, at most as long as the queue's own limits.
  ~Reconciler();

  void Start();
  void Stop();

  // A spec from the controller. The newest wins; its receipt is acknowledged once it is checked
  // and on disk, its application reported later.
  void OfferSpec(v1::Spec spec, uint64_t epoch);

  // A controller has a report of this spec, so that it need not be undone.
  void ConfirmSpec(const std::string& digest, uint64_t epoch);

  // Something on the host may have changed: look soon.
  void HostChanged();

 private:
  struct Offer {
    v1::Spec spec;
    uint64_t epoch;
  };

  struct Confirmation {
    std::string digest;
    uint64_t epoch;
  };

  // What the next turn is for.
  enum class Turn { kStop, kPass, kObserve, kConfirm, kRevert };

  void Run();
  // Waits until there is a reason to act.
  Turn WaitForWork(std::optional<Offer>* offer);
  // Runs `task` on the operation queue and waits for it; false where the queue is full.
  bool OnQueue(const std::function<void()>& task);
  void TakePass(std::optional<Offer> offer);
  void TakeLook();
  void TakeConfirmation();
  // The confirm window has passed.
  void TakeRevert();
  void PutBack(std::optional<Offer> offer);
  // A spec that could not be saved is no bad spec: it is kept and tried again.
  void ReportUnsaved(const Offer& offer, const absl::Status& cause);
  // On the operation queue's thread. An error where the spec could not be saved.
  absl::Status TakeSpec(const Offer& offer);
  absl::Status TakeInForce(const Offer& offer, const v1::NodeSpec& parsed);
  PassResult Look();
  absl::Status BeginChange();
  // What passes in this boot have made of the spec in force, before this agent too.
  PassMemory RememberPasses() const;
  void EndPass(bool applied);
  void TellRejection();
  void SaveConfirmation();
  PassOptions OptionsOfPass();
  // Back on the reconciler's own.
  void NotePass(PassResult result);
  void NoteSpec(const std::string& digest);
  // Counts what somebody has switched back since the last pass; whether there was any.
  bool NoteReversions(const PassResult& result, absl::Time now);
  // Lets the confirm window run from the end of the spec's first pass on, however that ended: what
  // failed in part may have cut this host off all the same.
  void NoteConfirmWindow(absl::Time now);
  // When to act next.
  void Schedule(const PassResult& result, bool reverted, absl::Time now);
  // Names those who keep switching things back.
  void NameConflicts(absl::Time now, v1::NodeReport* report);
  void Send(PassResult* result);
  bool IsStopped();

  Host& host_;
  WorkQueue& queue_;
  ControllerLink& link_;
  const Options options_;
  std::thread thread_;

  // Of the reconciler's thread alone.
  Backoff backoff_;
  PassMemory pass_memory_;
  ConflictTracker conflicts_;
  DriftLog drift_;
  bool looked_before_ = false;
  std::string last_digest_;
  v1::NodeReport last_report_;
  ReportItems last_items_;
  // Subjects that the last pass could not bring to their state.
  std::set<std::string> last_failed_;
  absl::Time next_look_;
  // No pass before this, however many events come: two actors that undo each other must not spin.
  absl::Time not_before_ = absl::InfinitePast();
  absl::Duration last_delay_;
  absl::Time last_change_ = absl::InfinitePast();
  // When the spec is given up; nothing while it waits for no confirmation.
  std::optional<absl::Time> confirm_by_;
  // Set on the operation queue's thread, while this one waits for it: how long the spec in force
  // may wait for its confirmation, and which rejection the link has.
  std::optional<absl::Duration> confirm_window_;
  std::string told_rejection_;
  // Confirmed, also where that could not be saved yet.
  std::string confirmed_digest_;

  Mutex mutex_;
  CondVar wake_;
  std::optional<Offer> offer_ ABSL_GUARDED_BY(mutex_);
  std::optional<Confirmation> confirmation_ ABSL_GUARDED_BY(mutex_);
  bool host_changed_ ABSL_GUARDED_BY(mutex_) = true;
  // When the first change was announced that has not been looked at.
  absl::Time changed_at_ ABSL_GUARDED_BY(mutex_) = absl::InfinitePast();
  // Whether what happens while a delay runs, since something was switched back, is to be looked at.
  bool may_observe_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace hotplugger::agent
