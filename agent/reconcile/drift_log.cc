#include "agent/reconcile/drift_log.h"

#include <utility>

#include "common/proto_time.h"

namespace hotplugger::agent {

void DriftLog::Note(std::vector<v1::DriftItem> found, const std::vector<std::string>& undone_actors,
                    absl::Time now) {
  std::set<std::string> actors(undone_actors.begin(), undone_actors.end());
  std::map<std::string, v1::DriftItem> items;
  for (v1::DriftItem& item : found) {
    const auto known = items_.find(item.subject());
    const bool same = known != items_.end() && known->second.found() == item.found() &&
                      known->second.wanted() == item.wanted();
    if (same) {
      item = std::move(known->second);
    } else {
      SetTimestamp(now, item.mutable_since_time());
      actors.insert(item.actor());
    }
    const std::string subject = item.subject();
    items[subject] = std::move(item);
  }
  items_ = std::move(items);
  for (const std::string& actor : actors) {
    ++counts_[actor.empty() ? "unknown" : actor];
    counters_.CountDrift(actor);
  }
}

void DriftLog::Tell(v1::NodeReport* report) const {
  int64_t sum = 0;
  report->clear_drift_counts();
  for (const auto& [actor, count] : counts_) {
    v1::DriftCount* told = report->add_drift_counts();
    told->set_actor(actor);
    told->set_count(count);
    sum += count;
  }
  report->set_drift_count(sum);
  report->clear_drift();
  for (const auto& [subject, item] : items_) {
    if (static_cast<size_t>(report->drift_size()) == kMaxTold) return;
    *report->add_drift() = item;
  }
}

void DriftLog::Clear() {
  items_.clear();
  counts_.clear();
}

}  // namespace hotplugger::agent
