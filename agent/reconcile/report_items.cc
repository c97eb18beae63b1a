#include "agent/reconcile/report_items.h"

#include <algorithm>
#include <set>
#include <string>

namespace hotplugger::agent {

ReportItems MergeItems(const ReportItems& earlier, const ReportItems& latest) {
  ReportItems merged;
  std::set<std::string> kept;
  const auto find_latest = [&latest](const std::string& subject) {
    return std::find_if(latest.begin(), latest.end(),
                        [&](const v1::ItemResult& item) { return item.subject() == subject; });
  };
  for (const v1::ItemResult& item : earlier) {
    const auto news = find_latest(item.subject());
    const bool as_it_was = news == latest.end() || news->outcome() == v1::OUTCOME_ALREADY;
    if (item.outcome() != v1::OUTCOME_CHANGED || !as_it_was) continue;
    *merged.Add() = item;
    kept.insert(item.subject());
  }
  for (const v1::ItemResult& item : latest) {
    if (kept.count(item.subject()) == 0) *merged.Add() = item;
  }
  return merged;
}

}  // namespace hotplugger::agent
