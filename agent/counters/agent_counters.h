// What the agent counts, for its own /metrics and for the controller's sums (docs/metrics.md).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <utility>

#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "common/duration_histogram.h"
#include "common/mutex.h"
#include "hotplugger/v1/device.pb.h"
#include "hotplugger/v1/metrics.pb.h"

namespace hotplugger::agent {

// What is done, and to what.
enum class CountedKind { kCpu, kMemory, kSmt, kDevice, kDriver };
enum class CountedAction { kOnline, kOffline, kStart, kStop, kOn, kOff, kForceOff, kPartial };

// Of drivers.
inline CountedAction CountedActionOf(bool running) {
  return running ? CountedAction::kStart : CountedAction::kStop;
}

// Counts from 0 for as long as the agent runs. Safe for concurrent use; each call is quick.
class AgentCounters {
 public:
  // Further reasons are counted as "OTHER", however many bytes they have.
  static constexpr size_t kMaxOperationSeries = 512;
  // Further ones are "unknown".
  static constexpr size_t kMaxActors = 100;
  // Longer reasons are "OTHER" too.
  static constexpr size_t kMaxReasonBytes = 64;

  // `start_time`: of the agent.
  explicit AgentCounters(absl::Time start_time = absl::Now()) : start_time_(start_time) {}
  AgentCounters(const AgentCounters&) = delete;
  AgentCounters& operator=(const AgentCounters&) = delete;

  // One operation that has ended. `reason` is that of its item; it counts where the outcome is
  // neither CHANGED nor ALREADY. A limit's (LIMIT_...) is a limit's refusal besides.
  void CountOperation(CountedKind kind, CountedAction action, v1::Outcome outcome,
                      absl::string_view reason);
  // How long the kernel or a driver took for one.
  void CountDuration(CountedKind kind, CountedAction action, absl::Duration duration);
  // What the spec says was found changed by `actor`; empty: nobody knows by whom.
  void CountDrift(absl::string_view actor);
  void CountUevents(int64_t received);
  void CountUeventOverflow();

  // All but the queues; sorted, so that equal counts make equal messages.
  v1::MetricsSnapshot Snapshot() const;

 private:
  // Kind, action, outcome, reason.
  using Series = std::tuple<CountedKind, CountedAction, v1::Outcome, std::string>;

  // The reason by which it is counted.
  std::string Admit(CountedKind kind, CountedAction action, v1::Outcome outcome,
                    absl::string_view reason) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const absl::Time start_time_;
  mutable Mutex mutex_;
  std::map<Series, int64_t> operations_ ABSL_GUARDED_BY(mutex_);
  // Their own lock is a leaf below this one.
  std::map<std::pair<CountedKind, CountedAction>, std::unique_ptr<DurationHistogram>> durations_
      ABSL_GUARDED_BY(mutex_);
  std::map<std::string, int64_t, std::less<>> limit_refusals_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, int64_t, std::less<>> drift_ ABSL_GUARDED_BY(mutex_);
  int64_t uevents_received_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t uevent_overflows_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace hotplugger::agent
