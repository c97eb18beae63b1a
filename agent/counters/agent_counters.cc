#include "agent/counters/agent_counters.h"

#include "absl/strings/match.h"
#include "common/proto_time.h"

namespace hotplugger::agent {
namespace {

constexpr char kOther[] = "OTHER";
constexpr char kUnknownActor[] = "unknown";
constexpr absl::string_view kLimitPrefix = "LIMIT_";

// Series without a reason of their own, for which there is always room: each kind's actions (two;
// of SMT four) with each outcome, whose reason is then empty or OTHER.
constexpr size_t kReservedSeries = (4 * 2 + 4) * 6;

const char* Name(CountedKind kind) {
  switch (kind) {
    case CountedKind::kCpu:
      return "cpu";
    case CountedKind::kMemory:
      return "memory";
    case CountedKind::kSmt:
      return "smt";
    case CountedKind::kDevice:
      return "device";
    case CountedKind::kDriver:
      return "driver";
  }
  return "";
}

const char* Name(CountedAction action) {
  switch (action) {
    case CountedAction::kOnline:
      return "online";
    case CountedAction::kOffline:
      return "offline";
    case CountedAction::kStart:
      return "start";
    case CountedAction::kStop:
      return "stop";
    case CountedAction::kOn:
      return "on";
    case CountedAction::kOff:
      return "off";
    case CountedAction::kForceOff:
      return "forceoff";
    case CountedAction::kPartial:
      return "partial";
  }
  return "";
}

bool IsDone(v1::Outcome outcome) {
  return outcome == v1::OUTCOME_CHANGED || outcome == v1::OUTCOME_ALREADY;
}

}  // namespace

std::string AgentCounters::Admit(CountedKind kind, CountedAction action, v1::Outcome outcome,
                                 absl::string_view reason) const {
  if (IsDone(outcome)) return "";
  if (reason.empty() || reason.size() > kMaxReasonBytes) return kOther;
  const Series series(kind, action, outcome, std::string(reason));
  const bool room = operations_.size() < kMaxOperationSeries - kReservedSeries;
  return room || operations_.count(series) > 0 ? std::string(reason) : kOther;
}

void AgentCounters::CountOperation(CountedKind kind, CountedAction action, v1::Outcome outcome,
                                   absl::string_view reason) {
  MutexLock lock(&mutex_);
  std::string counted = Admit(kind, action, outcome, reason);
  if (absl::StartsWith(counted, kLimitPrefix)) ++limit_refusals_[counted];
  ++operations_[Series(kind, action, outcome, std::move(counted))];
}

void AgentCounters::CountDuration(CountedKind kind, CountedAction action, absl::Duration duration) {
  MutexLock lock(&mutex_);
  std::unique_ptr<DurationHistogram>& histogram = durations_[{kind, action}];
  if (histogram == nullptr) {
    histogram = std::make_unique<DurationHistogram>(kOperationDurationBounds);
  }
  histogram->Observe(duration);
}

void AgentCounters::CountDrift(absl::string_view actor) {
  MutexLock lock(&mutex_);
  // One place is kept for those that nobody knows.
  const bool room = drift_.size() + 1 < kMaxActors || drift_.count(actor) > 0;
  ++drift_[actor.empty() || !room ? kUnknownActor : std::string(actor)];
}

void AgentCounters::CountUevents(int64_t received) {
  MutexLock lock(&mutex_);
  uevents_received_ += received;
}

void AgentCounters::CountUeventOverflow() {
  MutexLock lock(&mutex_);
  ++uevent_overflows_;
}

v1::MetricsSnapshot AgentCounters::Snapshot() const {
  v1::MetricsSnapshot snapshot;
  SetTimestamp(start_time_, snapshot.mutable_start_time());
  MutexLock lock(&mutex_);
  for (const auto& [series, count] : operations_) {
    const auto& [kind, action, outcome, reason] = series;
    v1::OperationCount* told = snapshot.add_operations();
    told->set_kind(Name(kind));
    told->set_action(Name(action));
    told->set_outcome(outcome);
    told->set_reason(reason);
    told->set_count(count);
  }
  for (const auto& [operation, histogram] : durations_) {
    const DurationCounts counts = histogram->Counts();
    v1::OperationDurations* told = snapshot.add_operation_durations();
    told->set_kind(Name(operation.first));
    told->set_action(Name(operation.second));
    *told->mutable_bucket_counts() = {counts.buckets.begin(), counts.buckets.end()};
    told->set_sum_seconds(counts.sum_seconds);
  }
  for (const auto& [actor, count] : drift_) {
    v1::DriftCount* told = snapshot.add_drift();
    told->set_actor(actor);
    told->set_count(count);
  }
  for (const auto& [limit, count] : limit_refusals_) {
    v1::LimitRefusals* told = snapshot.add_limit_refusals();
    told->set_limit(limit);
    told->set_count(count);
  }
  snapshot.set_uevents_received(uevents_received_);
  snapshot.set_uevent_overflows(uevent_overflows_);
  return snapshot;
}

}  // namespace hotplugger::agent
