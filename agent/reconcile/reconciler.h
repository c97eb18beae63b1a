// Keeps the host as its spec says: decides when to look, and carries the news both ways.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <thread>

#include "absl/time/time.h"
#include "agent/reconcile/controller_link.h"
#include "agent/reconcile/host.h"
#include "agent/reconcile/pass.h"
#include "agent/reconcile/report_items.h"
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
    // Between passes after failures, and between passes that undo what somebody else does.
    Backoff::Options retry = {.base = absl::Seconds(1), .cap = absl::Seconds(60)};
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

  // Something on the host may have changed: look soon.
  void HostChanged();

 private:
  struct Offer {
    v1::Spec spec;
    uint64_t epoch;
  };

  void Run();
  // Waits until there is a reason to act; false when stopped.
  bool WaitForWork(std::optional<Offer>* offer);
  void PutBack(std::optional<Offer> offer);
  // A spec that could not be saved is no bad spec: it is kept and tried again.
  void ReportUnsaved(const Offer& offer, const absl::Status& cause);
  // On the operation queue's thread. An error where the spec could not be saved.
  absl::Status TakeSpec(const Offer& offer);
  PassResult Look();
  // Back on the reconciler's own.
  void NotePass(PassResult result);

  Host& host_;
  WorkQueue& queue_;
  ControllerLink& link_;
  const Options options_;
  std::thread thread_;

  // Of the reconciler's thread alone.
  Backoff backoff_;
  bool applied_before_ = false;
  bool looked_before_ = false;
  std::string last_digest_;
  int64_t drift_count_ = 0;
  ReportItems last_items_;
  absl::Time next_look_;
  // No pass before this, however many events come: two actors that undo each other must not spin.
  absl::Time not_before_ = absl::InfinitePast();
  absl::Time last_change_ = absl::InfinitePast();

  Mutex mutex_;
  CondVar wake_;
  std::optional<Offer> offer_ ABSL_GUARDED_BY(mutex_);
  bool host_changed_ ABSL_GUARDED_BY(mutex_) = true;
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace hotplugger::agent
