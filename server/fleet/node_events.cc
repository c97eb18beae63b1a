#include "server/fleet/node_events.h"

#include <map>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "server/fleet/node_conditions.h"

namespace hotplugger::server {
namespace {

constexpr char kTurnedAway[] = "TURNED_AWAY";
// So many subjects are named.
constexpr size_t kMaxNamed = 8;

std::string Names(const std::vector<std::string>& names) {
  if (names.size() <= kMaxNamed) return absl::StrJoin(names, ", ");
  return absl::StrCat(absl::StrJoin(names.begin(), names.begin() + kMaxNamed, ", "), " and ",
                      names.size() - kMaxNamed, " more");
}

bool SameReport(const v1::NodeReport* a, const v1::NodeReport* b) {
  if (a == nullptr || b == nullptr) return a == b;
  return a->digest() == b->digest() && a->state() == b->state() && a->message() == b->message();
}

// Collects what has happened to one node.
class Finder {
 public:
  Finder(const NodeSnapshot& before, const NodeSnapshot& after) : before_(before), after_(after) {}

  std::vector<NewEvent> Find() {
    FindConnection();
    FindConditions();
    FindApplied();
    FindReport();
    FindDrift();
    return std::move(events_);
  }

 private:
  void Add(EventType type, std::string message) {
    events_.push_back({type, NodeResource(after_.name), std::move(message)});
  }

  void FindConnection() {
    if (before_.connected && !after_.connected) {
      return Add(EventType::kNodeDisconnected, "its agent's stream has ended");
    }
    if (!after_.connected || before_.connected) return;
    Add(EventType::kNodeConnected, absl::StrCat("boot ", after_.identity->boot_id, ", agent ",
                                                after_.identity->agent_version));
  }

  void FindConditions() {
    const std::map<std::string, v1::NodeCondition> had = ConditionsOf(before_);
    const std::map<std::string, v1::NodeCondition> has = ConditionsOf(after_);
    for (const auto& [type, condition] : has) {
      const auto old = had.find(type);
      if (old != had.end() && old->second.message() == condition.message()) continue;
      if (type == kTurnedAway) {
        Add(EventType::kNodeTurnedAway, condition.message());
      } else if (old == had.end()) {
        Add(EventType::kConditionRaised, absl::StrCat(type, ": ", condition.message()));
      }
    }
    for (const auto& [type, condition] : had) {
      if (has.count(type) == 0) Add(EventType::kConditionCleared, type);
    }
  }

  // What it had applied when it said Hello is no news.
  void FindApplied() {
    if (!before_.connected || after_.applied_digest.empty() ||
        after_.applied_digest == before_.applied_digest) {
      return;
    }
    Add(EventType::kSpecApplied, SpecName(after_.applied_digest));
  }

  void FindReport() {
    if (after_.report == nullptr || SameReport(before_.report.get(), after_.report.get())) return;
    // What was refused or given up once is shown again where it is wanted again.
    const bool other_wish = before_.desired != nullptr && after_.desired != nullptr &&
                            before_.desired->digest != after_.desired->digest;
    if (other_wish || !after_.connected) return;
    const v1::NodeReport& report = *after_.report;
    const std::string spec = SpecName(report.digest());
    const auto add = [&](EventType type, const std::string& why) {
      Add(type, why.empty() ? spec : absl::StrCat(spec, ": ", why));
    };
    switch (report.state()) {
      case v1::APPLY_STATE_FAILED:
        return add(EventType::kSpecFailed, Failure(report));
      case v1::APPLY_STATE_REFUSED:
        return add(EventType::kSpecRefused, report.message());
      case v1::APPLY_STATE_REVERTED:
        return add(EventType::kSpecReverted, report.message());
      case v1::APPLY_STATE_QUARANTINED:
        return add(EventType::kSpecQuarantined, report.message());
      default:
        return;
    }
  }

  static std::string Failure(const v1::NodeReport& report) {
    if (!report.message().empty()) return report.message();
    std::vector<std::string> failed;
    for (const v1::ItemResult& item : report.items()) {
      if (item.outcome() == v1::OUTCOME_FAILED || item.outcome() == v1::OUTCOME_REFUSED) {
        failed.push_back(absl::StrCat(item.subject(), " (", item.reason(), ")"));
      }
    }
    return Names(failed);
  }

  void FindDrift() {
    if (before_.report == nullptr || after_.report == nullptr || !before_.connected) return;
    std::set<std::string> known;
    for (const v1::DriftItem& item : before_.report->drift()) known.insert(item.subject());
    std::vector<std::string> found;
    for (const v1::DriftItem& item : after_.report->drift()) {
      if (known.count(item.subject()) > 0) continue;
      found.push_back(
          absl::StrCat(item.subject(), " is ", item.found(), " and not ", item.wanted(),
                       item.actor().empty() ? "" : absl::StrCat(" (", item.actor(), ")")));
    }
    if (!found.empty()) Add(EventType::kDriftFound, absl::StrCat("left so: ", Names(found)));
    if (after_.report->drift_count() > before_.report->drift_count() && found.empty()) {
      Add(EventType::kDriftFound,
          absl::StrCat("brought back, was changed by ", Names(NewActors())));
    }
  }

  std::vector<std::string> NewActors() const {
    std::map<std::string, int64_t> counts;
    for (const v1::DriftCount& count : before_.report->drift_counts()) {
      counts[count.actor()] = count.count();
    }
    std::vector<std::string> actors;
    for (const v1::DriftCount& count : after_.report->drift_counts()) {
      if (count.count() > counts[count.actor()]) actors.push_back(count.actor());
    }
    if (actors.empty()) actors.emplace_back("unknown");
    return actors;
  }

  const NodeSnapshot& before_;
  const NodeSnapshot& after_;
  std::vector<NewEvent> events_;
};

}  // namespace

std::string NodeResource(const std::string& name) { return absl::StrCat("nodes/", name); }

std::string SpecName(const std::string& digest) {
  return absl::StrCat("spec ", digest.substr(0, 12));
}

std::vector<NewEvent> FindNodeEvents(const NodeSnapshot& before, const NodeSnapshot& after) {
  return Finder(before, after).Find();
}

}  // namespace hotplugger::server
