#include "agent/reconcile/spec_account.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "agent/devices/rules/item_result.h"

namespace hotplugger::agent {
namespace {

bool HasOutcome(const ReportItems& items, v1::Outcome outcome) {
  return std::any_of(items.begin(), items.end(),
                     [outcome](const v1::ItemResult& item) { return item.outcome() == outcome; });
}

// A write that did not last: somebody switches it back faster than it can be read.
bool HasUnverified(const ReportItems& items) {
  return std::any_of(items.begin(), items.end(),
                     [](const v1::ItemResult& item) { return item.reason() == "NOT_VERIFIED"; });
}

bool Has(const ReportItems& items, const std::string& subject) {
  return std::any_of(items.begin(), items.end(),
                     [&subject](const v1::ItemResult& item) { return item.subject() == subject; });
}

}  // namespace

bool SpecAccount::NoteSpec(const std::string& digest) {
  if (digest == digest_) return false;
  digest_ = digest;
  looked_before_ = false;
  drift_.Clear();
  last_items_.Clear();
  last_failed_.clear();
  conflicts_.Clear();
  return true;
}

bool SpecAccount::NoteReversions(PassResult* result, absl::Time now, absl::Time wall_time) {
  std::vector<std::string> actors;
  for (const auto& [subject, actor] : result->enforced) {
    // The first pass of a spec makes it so; and what failed last time was not so yet.
    if (!looked_before_ || last_failed_.count(subject) > 0) continue;
    conflicts_.NoteReversion(subject, now);
    actors.push_back(actor);
  }
  drift_.Note(std::move(result->drift), actors, wall_time);
  last_failed_.clear();
  for (const v1::ItemResult& item : result->report.items()) {
    if (!Succeeded(item)) last_failed_.insert(item.subject());
  }
  return !actors.empty();
}

PassOutcome SpecAccount::NotePass(PassResult* result, absl::Time now, absl::Time wall_time) {
  PassOutcome outcome;
  outcome.reverted = NoteReversions(result, now, wall_time);
  v1::NodeReport& report = result->report;
  *report.mutable_items() = MergeItems(last_items_, report.items());
  LimitItems(&report);
  outcome.transient =
      report.state() == v1::APPLY_STATE_FAILED && report.retry() == v1::RETRY_CLASS_TRANSIENT;
  outcome.disputed = HasUnverified(report.items()) ||
                     (looked_before_ && HasOutcome(report.items(), v1::OUTCOME_UNDONE));
  looked_before_ = true;
  last_items_ = report.items();
  return outcome;
}

void SpecAccount::NoteLook(PassResult* result, absl::Time wall_time) {
  drift_.Note(std::move(result->drift), {}, wall_time);
  // What the last pass did, or could not do, is still so, but for what has been switched back
  // since.
  v1::NodeReport& report = result->report;
  ReportItems items;
  for (const v1::ItemResult& item : report.items()) {
    if (last_failed_.count(item.subject()) == 0) *items.Add() = item;
  }
  for (const v1::ItemResult& item : last_items_) {
    if (!Has(items, item.subject())) *items.Add() = item;
  }
  if (!last_failed_.empty()) report.set_state(v1::APPLY_STATE_FAILED);
  *report.mutable_items() = std::move(items);
  LimitItems(&report);
}

void SpecAccount::NameConflicts(absl::Time now, absl::Duration delay,
                                v1::NodeReport* report) const {
  for (v1::ItemResult& item : *report->mutable_items()) {
    if (!conflicts_.IsConflict(item.subject(), now)) continue;
    item.set_reason("CONFLICT");
    item.set_message(conflicts_.Describe(item.subject(), now, delay));
  }
  if (report->state() != v1::APPLY_STATE_FAILED || !report->message().empty()) return;
  for (const v1::ItemResult& item : report->items()) {
    if (Succeeded(item)) continue;
    report->set_message(absl::StrCat(item.subject(), ": ", item.message()));
    return;
  }
}

void SpecAccount::Complete(absl::Time now, absl::Duration delay, bool awaits_confirmation,
                           v1::NodeReport* report) {
  NameConflicts(now, delay, report);
  drift_.Tell(report);
  report->set_awaits_confirmation(awaits_confirmation);
  last_report_ = *report;
}

v1::NodeReport SpecAccount::Applying(const std::string& digest, bool awaits_confirmation) const {
  v1::NodeReport applying;
  applying.set_digest(digest);
  applying.set_state(v1::APPLY_STATE_APPLYING);
  if (digest != digest_) return applying;
  drift_.Tell(&applying);
  // A controller that is reached again during a long pass answers this one: the window may have
  // passed once the pass ends.
  applying.set_awaits_confirmation(awaits_confirmation);
  *applying.mutable_items() = last_items_;
  return applying;
}

const v1::NodeReport& SpecAccount::Confirmed() {
  last_report_.clear_awaits_confirmation();
  return last_report_;
}

v1::NodeReport UnsavedReport(absl::string_view digest, const absl::Status& cause) {
  v1::NodeReport report;
  report.set_digest(std::string(digest));
  report.set_state(v1::APPLY_STATE_FAILED);
  report.set_message(absl::StrCat(
      "the spec can't be saved, so it is not applied; the agent tries again: ", cause.message()));
  report.set_retry(v1::RETRY_CLASS_TRANSIENT);
  return report;
}

}  // namespace hotplugger::agent
