#include "agent/reconcile/report_items.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "agent/devices/rules/item_result.h"

namespace hotplugger::agent {

ReportItems MergeItems(const ReportItems& earlier, const ReportItems& latest) {
  std::map<std::string, v1::Outcome> news;
  for (const v1::ItemResult& item : latest) news.emplace(item.subject(), item.outcome());
  ReportItems merged;
  std::set<std::string> kept;
  for (const v1::ItemResult& item : earlier) {
    const auto found = news.find(item.subject());
    const bool as_it_was = found == news.end() || found->second == v1::OUTCOME_ALREADY;
    if (item.outcome() != v1::OUTCOME_CHANGED || !as_it_was) continue;
    *merged.Add() = item;
    kept.insert(item.subject());
  }
  for (const v1::ItemResult& item : latest) {
    if (kept.count(item.subject()) == 0) *merged.Add() = item;
  }
  return merged;
}

void LimitItems(v1::NodeReport* report) {
  ReportItems* items = report->mutable_items();
  const int count = items->size();
  if (count <= kMaxReportItems) return;
  std::stable_partition(items->pointer_begin(), items->pointer_end(),
                        [](const v1::ItemResult* item) { return !Succeeded(*item); });
  items->DeleteSubrange(kMaxReportItems, count - kMaxReportItems);
  report->set_message(absl::StrCat(report->message(), report->message().empty() ? "" : "; ", "of ",
                                   count, " results ", kMaxReportItems, " are told"));
}

}  // namespace hotplugger::agent
