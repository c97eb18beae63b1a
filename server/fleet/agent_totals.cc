#include "server/fleet/agent_totals.h"

#include <algorithm>
#include <cmath>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/types/span.h"
#include "common/driver_rules.h"
#include "server/fleet/reason_counter.h"

namespace hotplugger::server {
namespace {

constexpr char kOther[] = "other";
constexpr char kUnknownActor[] = "unknown";
constexpr char kDriverPrefix[] = "driver/";
constexpr absl::string_view kQueues[] = {"operation", "query"};
struct KindAndAction {
  absl::string_view kind;
  absl::string_view action;
};
// What an agent can do; any other pair of words is (other, other).
constexpr KindAndAction kOperations[] = {
    {"cpu", "online"},    {"cpu", "offline"},    {"memory", "online"}, {"memory", "offline"},
    {"smt", "on"},        {"smt", "off"},        {"smt", "forceoff"},  {"smt", "partial"},
    {"device", "online"}, {"device", "offline"}, {"driver", "start"},  {"driver", "stop"}};
// Each of them, and (other, other), with each outcome, and "other" too.
constexpr size_t kSortsWithoutReason =
    (sizeof kOperations / sizeof kOperations[0] + 1) * (v1::OUTCOME_SKIPPED + 1);
constexpr size_t kBuckets =
    sizeof kOperationDurationBounds / sizeof kOperationDurationBounds[0] + 1;
// Up to here a double, as Prometheus has it, tells every count from the next.
constexpr int64_t kMaxCount = int64_t{1} << 53;

// Agents are not trusted: what is no count is none.
int64_t Clamp(int64_t count) { return std::clamp<int64_t>(count, 0, kMaxCount); }
double Clamp(double seconds) {
  // Also false for what is no number.
  return seconds > 0 ? std::min(seconds, static_cast<double>(kMaxCount)) : 0;
}

// REQUIRES: neither is above kMaxCount.
void AddTo(int64_t* sum, int64_t count) { *sum = std::min(*sum + count, kMaxCount); }

std::string KnownWord(absl::Span<const absl::string_view> known, const std::string& word) {
  return absl::c_linear_search(known, word) ? word : kOther;
}

std::pair<std::string, std::string> KindAndActionWords(const std::string& kind,
                                                       const std::string& action) {
  for (const KindAndAction& known : kOperations) {
    if (kind == known.kind && action == known.action) return {kind, action};
  }
  return {kOther, kOther};
}

std::string ReasonWord(const std::string& reason) {
  return IsReason(reason) ? reason : kOtherReason;
}

std::string ActorWord(const std::string& actor) {
  if (actor == "person") return actor;
  absl::string_view driver = actor;
  if (!absl::ConsumePrefix(&driver, kDriverPrefix) || !ValidateDriverName(driver).ok()) {
    return kUnknownActor;
  }
  return absl::StrCat(kDriverPrefix, NormalizeDriverName(driver));
}

std::string OutcomeWord(v1::Outcome outcome) {
  switch (outcome) {
    case v1::OUTCOME_CHANGED:
      return "changed";
    case v1::OUTCOME_ALREADY:
      return "already";
    case v1::OUTCOME_REFUSED:
      return "refused";
    case v1::OUTCOME_FAILED:
      return "failed";
    case v1::OUTCOME_UNDONE:
      return "undone";
    case v1::OUTCOME_SKIPPED:
      return "skipped";
    default:
      return kOther;
  }
}

OperationSort SortOf(const v1::OperationCount& operation) {
  auto [kind, action] = KindAndActionWords(operation.kind(), operation.action());
  std::string outcome = OutcomeWord(operation.outcome());
  std::string reason = kOtherReason;
  if (outcome == "changed" || outcome == "already") {
    reason.clear();
  } else if (kind != kOther && outcome != kOther) {
    reason = ReasonWord(operation.reason());
  }
  return {std::move(kind), std::move(action), std::move(outcome), std::move(reason)};
}

// What it counts as where there is no place for its reason: itself where it has none of its own.
OperationSort WithoutOwnReason(OperationSort sort) {
  if (!sort.reason.empty()) sort.reason = kOtherReason;
  return sort;
}

// The sum of `word`, or that of `rest` where `word` is new and there are `places` sums already, or
// it may not be brought in. `rest` has a place at all times.
template <typename Word, typename MayBring>
int64_t* SumOf(const Word& word, const Word& rest, size_t places, const MayBring& may_bring,
               std::map<Word, int64_t>* sums) {
  const auto known = sums->find(word);
  if (known != sums->end()) return &known->second;
  const bool is_rest = !(word < rest) && !(rest < word);
  const bool has_place = is_rest || (sums->size() < places && may_bring());
  return &(*sums)[has_place ? word : rest];
}

// The same for each of the three, by their bounds.
template <typename MayBring>
int64_t* SumOfOperations(const OperationSort& sort, const MayBring& may_bring,
                         AgentCounts* counts) {
  return SumOf(sort, WithoutOwnReason(sort), AgentTotals::kMaxOperations - kSortsWithoutReason,
               may_bring, &counts->operations);
}
template <typename MayBring>
int64_t* SumOfDrift(const std::string& actor, const MayBring& may_bring, AgentCounts* counts) {
  return SumOf(actor, std::string(kUnknownActor), AgentTotals::kMaxActors - 1, may_bring,
               &counts->drift);
}
template <typename MayBring>
int64_t* SumOfLimit(const std::string& limit, const MayBring& may_bring, AgentCounts* counts) {
  return SumOf(limit, std::string(kOtherReason), AgentTotals::kMaxLimits - 1, may_bring,
               &counts->limit_refusals);
}

// No operation takes longer: a day.
constexpr double kLongestOperationSeconds = 24 * 60 * 60;

DurationCounts NoDurations() {
  return {kOperationDurationBounds, std::vector<int64_t>(kBuckets), 0};
}

void AddDurations(const DurationCounts& durations, DurationCounts* sum) {
  for (size_t i = 0; i < kBuckets; ++i) AddTo(&sum->buckets[i], durations.buckets[i]);
  sum->sum_seconds =
      std::min(sum->sum_seconds + durations.sum_seconds, static_cast<double>(kMaxCount));
}

void TakeDurations(const v1::OperationDurations& durations, AgentCounts* counts) {
  if (static_cast<size_t>(durations.bucket_counts_size()) != kBuckets) return;
  DurationCounts taken = NoDurations();
  for (size_t i = 0; i < kBuckets; ++i) {
    taken.buckets[i] = Clamp(durations.bucket_counts(static_cast<int>(i)));
  }
  taken.sum_seconds = Clamp(durations.sum_seconds());
  DurationCounts& sum =
      counts->operation_durations
          .try_emplace(KindAndActionWords(durations.kind(), durations.action()), NoDurations())
          .first->second;
  AddDurations(taken, &sum);
}

// The same series, nothing counted.
AgentCounts SeriesOf(AgentCounts counts) {
  for (auto& [sort, count] : counts.operations) count = 0;
  for (auto& [key, durations] : counts.operation_durations) durations = NoDurations();
  for (auto* words : {&counts.drift, &counts.limit_refusals, &counts.queue_refusals}) {
    for (auto& [word, count] : *words) count = 0;
  }
  counts.uevents_received = 0;
  counts.uevent_overflows = 0;
  return counts;
}

// What a snapshot says, in words that are known, of the series that the agent told `before` and new
// ones, as far as there are places.
AgentCounts ToCounts(const v1::MetricsSnapshot& snapshot, const AgentCounts& before) {
  const auto may_bring = [] { return true; };
  AgentCounts counts = SeriesOf(before);
  for (const v1::OperationCount& operation : snapshot.operations()) {
    AddTo(SumOfOperations(SortOf(operation), may_bring, &counts), Clamp(operation.count()));
  }
  for (const v1::OperationDurations& durations : snapshot.operation_durations()) {
    TakeDurations(durations, &counts);
  }
  for (const v1::DriftCount& drift : snapshot.drift()) {
    AddTo(SumOfDrift(ActorWord(drift.actor()), may_bring, &counts), Clamp(drift.count()));
  }
  for (const v1::LimitRefusals& refusals : snapshot.limit_refusals()) {
    AddTo(SumOfLimit(ReasonWord(refusals.limit()), may_bring, &counts), Clamp(refusals.count()));
  }
  for (const v1::QueueUse& queue : snapshot.queues()) {
    AddTo(&counts.queue_refusals[KnownWord(kQueues, queue.queue())], Clamp(queue.refusals()));
  }
  counts.uevents_received = Clamp(snapshot.uevents_received());
  counts.uevent_overflows = Clamp(snapshot.uevent_overflows());
  return counts;
}

template <typename Key>
int64_t CountIn(const std::map<Key, int64_t>& counts, const Key& key) {
  const auto it = counts.find(key);
  return it == counts.end() ? 0 : it->second;
}

template <typename Key>
void Raise(const std::map<Key, int64_t>& before, std::map<Key, int64_t>* now) {
  for (auto& [key, count] : *now) count = std::max(count, CountIn(before, key));
}

// Counts don't shrink while an agent runs, whatever it says or leaves out. `now` has all series of
// `before`.
void Raise(const AgentCounts& before, AgentCounts* now) {
  Raise(before.operations, &now->operations);
  Raise(before.drift, &now->drift);
  Raise(before.limit_refusals, &now->limit_refusals);
  Raise(before.queue_refusals, &now->queue_refusals);
  now->uevents_received = std::max(now->uevents_received, before.uevents_received);
  now->uevent_overflows = std::max(now->uevent_overflows, before.uevent_overflows);
  for (auto& [key, durations] : now->operation_durations) {
    const auto it = before.operation_durations.find(key);
    if (it == before.operation_durations.end()) continue;
    for (size_t i = 0; i < kBuckets; ++i) {
      durations.buckets[i] = std::max(durations.buckets[i], it->second.buckets[i]);
    }
    durations.sum_seconds = std::max(durations.sum_seconds, it->second.sum_seconds);
  }
}

std::string Problem(const v1::MetricsSnapshot& snapshot) {
  if (snapshot.ByteSizeLong() > AgentTotals::kMaxSnapshotBytes) return "they are too large";
  if (snapshot.operations_size() > AgentTotals::kMaxSnapshotOperations) {
    return "they have too many operations";
  }
  return "";
}

// What of it counts: so much there is `room` for.
int64_t Admit(int64_t increment, int64_t* room) {
  const int64_t admitted = std::min({increment, AgentTotals::kMaxIncrement, *room});
  *room -= admitted;
  return admitted;
}

}  // namespace

std::string AgentTotals::Add(const std::string& node, const std::string& instance_id,
                             const v1::MetricsSnapshot& snapshot) {
  std::string problem = Problem(snapshot);
  if (!problem.empty()) return problem;
  MutexLock lock(&mutex_);
  const auto [known, is_new] = baselines_.try_emplace(node);
  Baseline& baseline = known->second;
  if (baseline.instance_id != instance_id) {
    baseline.instance_id = instance_id;
    baseline.counts = AgentCounts();
  }
  AgentCounts now = ToCounts(snapshot, baseline.counts);
  Raise(baseline.counts, &now);
  if (!is_new) AddDeltaLocked(node, now, &baseline);
  baseline.counts = std::move(now);
  return "";
}

void AgentTotals::AddDeltaLocked(const std::string& node, const AgentCounts& now,
                                 Baseline* baseline) {
  const AgentCounts& before = baseline->counts;
  AddWordsLocked(node, now, baseline);
  AddDurationsLocked(now, baseline);
  for (const auto& [queue, count] : now.queue_refusals) {
    AddTo(&totals_.queue_refusals[queue],
          Admit(count - CountIn(before.queue_refusals, queue), &baseline->room));
  }
  AddTo(&totals_.uevents_received,
        Admit(now.uevents_received - before.uevents_received, &baseline->room));
  AddTo(&totals_.uevent_overflows,
        Admit(now.uevent_overflows - before.uevent_overflows, &baseline->room));
}

// A word is brought in once something counts by it.
void AgentTotals::AddWordsLocked(const std::string& node, const AgentCounts& now,
                                 Baseline* baseline) {
  const AgentCounts& before = baseline->counts;
  for (const auto& [sort, count] : now.operations) {
    const int64_t delta = Admit(count - CountIn(before.operations, sort), &baseline->room);
    const auto may_bring = [&] { return new_operations_.Take(node); };
    if (delta > 0) AddTo(SumOfOperations(sort, may_bring, &totals_), delta);
  }
  for (const auto& [actor, count] : now.drift) {
    const int64_t delta = Admit(count - CountIn(before.drift, actor), &baseline->room);
    const auto may_bring = [&] { return new_actors_.Take(node); };
    if (delta > 0) AddTo(SumOfDrift(actor, may_bring, &totals_), delta);
  }
  for (const auto& [limit, count] : now.limit_refusals) {
    const int64_t delta = Admit(count - CountIn(before.limit_refusals, limit), &baseline->room);
    const auto may_bring = [&] { return new_limits_.Take(node); };
    if (delta > 0) AddTo(SumOfLimit(limit, may_bring, &totals_), delta);
  }
}

void AgentTotals::AddDurationsLocked(const AgentCounts& now, Baseline* baseline) {
  for (const auto& [key, durations] : now.operation_durations) {
    DurationCounts delta = durations;
    const auto it = baseline->counts.operation_durations.find(key);
    if (it != baseline->counts.operation_durations.end()) {
      for (size_t i = 0; i < kBuckets; ++i) delta.buckets[i] -= it->second.buckets[i];
      delta.sum_seconds -= it->second.sum_seconds;
    }
    int64_t admitted = 0;
    for (int64_t& count : delta.buckets) admitted += count = Admit(count, &baseline->room);
    // They take room as counts do, and there are none without operations that took them.
    delta.sum_seconds =
        std::min({delta.sum_seconds, static_cast<double>(admitted) * kLongestOperationSeconds,
                  static_cast<double>(kMaxIncrement), static_cast<double>(baseline->room)});
    baseline->room -= static_cast<int64_t>(std::ceil(delta.sum_seconds));
    AddDurations(delta, &totals_.operation_durations.try_emplace(key, NoDurations()).first->second);
  }
}

void AgentTotals::Forget(const std::string& node) {
  MutexLock lock(&mutex_);
  baselines_.erase(node);
}

AgentCounts AgentTotals::Counts() const {
  MutexLock lock(&mutex_);
  return totals_;
}

size_t AgentTotals::known_nodes() const {
  MutexLock lock(&mutex_);
  return baselines_.size();
}

}  // namespace hotplugger::server
