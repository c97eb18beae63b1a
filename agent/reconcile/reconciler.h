// Keeps the host as its spec says: decides when to look, and carries the news both ways.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <thread>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "agent/reconcile/confirm_clock.h"
#include "agent/reconcile/controller_identity.h"
#include "agent/reconcile/controller_link.h"
#include "agent/reconcile/host.h"
#include "agent/reconcile/pass.h"
#include "agent/reconcile/pass_schedule.h"
#include "agent/reconcile/spec_account.h"
#include "agent/reconcile/spec_keeper.h"
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
    // By which it waits.
    std::function<absl::Time()> steady_time = SteadyNow;
  };

  // All outlive this. Start begins the work; without it nothing happens.
  Reconciler(Host& host, WorkQueue& operation_queue, ControllerLink& link, Options options);
  // Stops: a pass under way is waited for, at most as long as the queue's own limits.
  ~Reconciler();

  void Start();
  void Stop();

  // A spec from the controller. The newest wins; its receipt is acknowledged once it is checked
  // and on disk, its application reported later.
  void OfferSpec(v1::Spec spec, const ControllerIdentity& controller);

  // A stream has begun. What an earlier one asked for and what still waits is dropped: a controller
  // that still wants a spec sends it again, since this host hasn't got it.
  void NoteController(const ControllerIdentity& controller);

  // A controller has a report of this spec, so that it need not be undone.
  void ConfirmSpec(const std::string& digest, const ControllerIdentity& controller);

  // Something on the host may have changed: look soon.
  void HostChanged();

 private:
  struct Confirmation {
    std::string digest;
    ControllerIdentity controller;
  };

  // What the next turn is for.
  enum class Turn { kStop, kPass, kLook, kConfirm, kRevert };

  void Run();
  // Waits until there is a reason to act.
  Turn WaitForWork(std::optional<SpecOffer>* offer);
  // Runs `task` on the operation queue and waits for it; false where the queue is full.
  bool OnQueue(const std::function<void()>& task);
  void TakePass(std::optional<SpecOffer> offer);
  void TakeLook();
  void TakeConfirmation();
  // The confirm window has passed.
  void TakeRevert();
  // Whether the offer that was taken out is still one to take.
  bool OfferStands();
  // A newer offer may have come meanwhile, which then stands.
  void PutBack(SpecOffer offer);
  void LookAfterDrop() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // On the operation queue's thread.
  PassResult Pass();
  absl::Status BeginChange();
  PassOptions OptionsOfPass();
  // Back on the reconciler's own.
  void NotePass(PassResult result);
  void Send(absl::Time now, PassResult* result);
  bool IsStopped();

  Host& host_;
  WorkQueue& queue_;
  ControllerLink& link_;
  const Options options_;
  std::thread thread_;

  // Of the operation queue's thread, while this one waits for it.
  SpecKeeper specs_;
  PassMemory pass_memory_;
  // How long the spec in force may wait for its confirmation; nothing where it waits for none.
  std::optional<absl::Duration> confirm_window_;

  // Of the reconciler's thread, and of the other while this one waits for it.
  SpecAccount account_;
  ConfirmClock confirm_clock_;
  // What passes are put off by since the last one.
  absl::Duration delay_;

  Mutex mutex_;
  CondVar wake_;
  PassSchedule schedule_ ABSL_GUARDED_BY(mutex_);
  std::optional<SpecOffer> offer_ ABSL_GUARDED_BY(mutex_);
  // No stream has begun since the offer was taken out that the reconciler's thread has.
  bool offer_stands_ ABSL_GUARDED_BY(mutex_) = false;
  std::optional<Confirmation> confirmation_ ABSL_GUARDED_BY(mutex_);
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace hotplugger::agent
