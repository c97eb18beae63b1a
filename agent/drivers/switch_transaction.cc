#include "agent/drivers/switch_transaction.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "agent/devices/rules/item_result.h"
#include "agent/drivers/driver_errors.h"
#include "common/error_info.h"
#include "common/status_macros.h"

namespace hotplugger::agent {
namespace {

v1::DriverState StateOf(bool running) {
  return running ? v1::DRIVER_STATE_RUNNING : v1::DRIVER_STATE_STOPPED;
}

absl::string_view Text(v1::DriverState state) {
  switch (state) {
    case v1::DRIVER_STATE_RUNNING:
      return "running";
    case v1::DRIVER_STATE_STOPPED:
      return "stopped";
    default:
      return "in an unknown state";
  }
}

absl::string_view Verb(bool running) { return running ? "started" : "stopped"; }

std::string Subject(absl::string_view name) { return absl::StrCat("driver/", name); }

bool OfKernel(const HotplugDriver& driver) {
  return driver.provider() == v1::DRIVER_PROVIDER_KERNEL;
}

// The kernel, or a service manager, may be back in a moment.
bool WorthAnotherTry(const absl::Status& answer) {
  return absl::IsUnavailable(answer) || absl::IsDeadlineExceeded(answer);
}

std::string WithRemark(absl::string_view text, const std::string& remark) {
  return remark.empty() ? std::string(text) : absl::StrCat(text, "; ", remark);
}

bool Lists(const DriverWhitelist& whitelist, absl::string_view name) {
  return whitelist && std::any_of(whitelist->begin(), whitelist->end(), [name](const auto& listed) {
           return listed == "*" || absl::EqualsIgnoreCase(listed, name);
         });
}

}  // namespace

SwitchTransaction::SwitchTransaction(Clock& clock, StateInquiry& inquiry, AgentCounters& counters,
                                     Pause pause, absl::Time deadline, NestedCalls nested_calls)
    : clock_(clock),
      inquiry_(inquiry),
      counters_(counters),
      pause_(std::move(pause)),
      deadline_(deadline),
      forward_deadline_(deadline - (deadline - clock.Now()) / 2),
      nested_calls_(nested_calls) {}

void SwitchTransaction::Learn(const std::vector<std::shared_ptr<HotplugDriver>>& drivers,
                              const DriverSnapshots& snapshot) {
  for (size_t i = 0; i < snapshot.size(); ++i) {
    const v1::DriverState state = snapshot[i].state;
    if (Entry* entry = Find(snapshot[i].name)) {
      // Within a nested call: the driver that called may have changed others on its own.
      if (innermost_ != nullptr && !entry->changing_to) {
        Observe(*entry, state, *innermost_, innermost_->changing_to.value_or(true));
      }
    } else {
      Entry& added = entries_.emplace_back();
      added.driver = drivers[i];
      added.original = state;
      added.known = state;
      added.whitelist = snapshot[i].whitelist;
    }
  }
}

absl::Status SwitchTransaction::Run(const SwitchPlan& plan) {
  for (const SwitchNote& note : plan.already_running) Note(note, true);
  for (const SwitchNote& note : plan.already_stopped) Note(note, false);
  for (const SwitchNote& note : plan.gone) Note(note, std::nullopt);
  for (const SwitchNote& note : plan.spared) Note(note, std::nullopt);
  for (size_t i = 0; i < plan.steps.size(); ++i) {
    const absl::Status status = Step(plan.steps[i]);
    if (status.ok()) continue;
    for (size_t j = i + 1; j < plan.steps.size(); ++j) Skip(plan.steps[j], plan.steps[i].driver);
    return status;
  }
  return absl::OkStatus();
}

bool SwitchTransaction::IsChanging(absl::string_view driver) const {
  return std::any_of(entries_.begin(), entries_.end(), [driver](const Entry& entry) {
    return entry.changing_to && absl::EqualsIgnoreCase(entry.driver->name(), driver);
  });
}

std::vector<v1::ItemResult> SwitchTransaction::Items(const std::vector<std::string>& first) const {
  std::vector<v1::ItemResult> items = items_;
  auto rest = items.begin();
  for (const std::string& name : first) {
    const auto is_named = [&name](const v1::ItemResult& item) {
      return absl::EqualsIgnoreCase(item.subject(), absl::StrCat("driver/", name));
    };
    rest = std::stable_partition(rest, items.end(), is_named);
  }
  return items;
}

SwitchTransaction::Entry* SwitchTransaction::Find(absl::string_view name) {
  for (Entry& entry : entries_) {
    if (absl::EqualsIgnoreCase(entry.driver->name(), name)) return &entry;
  }
  return nullptr;
}

const v1::ItemResult* SwitchTransaction::FindItem(const Entry& entry) const {
  const std::string subject = Subject(entry.driver->name());
  const auto found = std::find_if(items_.begin(), items_.end(), [&](const v1::ItemResult& item) {
    return item.subject() == subject;
  });
  return found == items_.end() ? nullptr : &*found;
}

void SwitchTransaction::Count(bool count_already) const {
  for (const Entry& entry : entries_) {
    const v1::ItemResult* item = FindItem(entry);
    // Those that changed along are no operations of their own.
    if (!entry.asked || item == nullptr) continue;
    if (item->outcome() == v1::OUTCOME_ALREADY && !count_already) continue;
    counters_.CountOperation(CountedKind::kDriver, CountedActionOf(*entry.asked), item->outcome(),
                             item->reason());
  }
}

v1::ItemResult& SwitchTransaction::Item(absl::string_view name) {
  const std::string subject = Subject(name);
  for (v1::ItemResult& item : items_) {
    if (item.subject() == subject) return item;
  }
  items_.emplace_back().set_subject(subject);
  return items_.back();
}

void SwitchTransaction::Note(const SwitchNote& note, std::optional<bool> wanted) {
  if (Entry* entry = Find(note.driver); entry != nullptr && wanted) {
    entry->asked = wanted;
    entry->wanted = wanted;
  }
  v1::ItemResult& item = Item(note.driver);
  // A nested call may come upon a driver that this transaction has dealt with already.
  if (item.outcome() != v1::OUTCOME_UNSPECIFIED) return;
  item.set_outcome(v1::OUTCOME_ALREADY);
  item.set_message(note.why);
}

void SwitchTransaction::Touch(Entry& entry) {
  if (std::find(journal_.begin(), journal_.end(), &entry) == journal_.end()) {
    journal_.push_back(&entry);
  }
}

absl::Status SwitchTransaction::Step(const SwitchStep& step) {
  Entry* entry = Find(step.driver);
  if (entry == nullptr) return NotRegisteredError(step.driver, {});
  if (entry->changing_to) {
    // Asked for from within: what is under way already needs nothing more, its reverse can't be.
    if (*entry->changing_to == step.running) return absl::OkStatus();
    return ReentrantChangeError(step.driver);
  }
  entry->asked = step.running;
  // An earlier step may have brought it along.
  if (entry->known != StateOf(step.running)) {
    if (clock_.Now() >= forward_deadline_) {
      return Fail(*entry, MakeError(absl::StatusCode::kDeadlineExceeded, "DEADLINE_PASSED",
                                    absl::StrCat("the time for the switch ended before ",
                                                 step.driver, " was ", Verb(step.running)),
                                    {{"driver", step.driver}}));
    }
    RETURN_IF_ERROR(Change(*entry, step));
  }
  entry->wanted = step.running;
  return CheckWanted(step.driver);
}

void SwitchTransaction::Skip(const SwitchStep& step, absl::string_view failed) {
  if (Entry* entry = Find(step.driver); entry != nullptr && !entry->asked) {
    entry->asked = step.running;
  }
  v1::ItemResult& item = Item(step.driver);
  // It may have changed along.
  if (item.outcome() != v1::OUTCOME_UNSPECIFIED) return;
  item.set_outcome(v1::OUTCOME_SKIPPED);
  item.set_reason("SWITCH_FAILED");
  item.set_message(absl::StrCat("not tried: the switch failed before it was ", Verb(step.running),
                                ", at ", failed));
}

absl::Status SwitchTransaction::Ask(Entry& entry, bool running, absl::Time deadline) {
  const absl::Time begin = clock_.Now();
  const absl::Status answer = entry.driver->ChangeState(running, deadline);
  counters_.CountDuration(CountedKind::kDriver, CountedActionOf(running), clock_.Now() - begin);
  return answer;
}

absl::Status SwitchTransaction::Change(Entry& entry, const SwitchStep& step) {
  const absl::Status failure_outside = std::exchange(nested_failure_, absl::OkStatus());
  Entry* const outside = std::exchange(innermost_, &entry);
  entry.changing_to = step.running;
  const absl::Status answer = Ask(entry, step.running, forward_deadline_);
  const std::string remark = entry.driver->TakeRemark();
  entry.changing_to.reset();
  entry.called = true;
  // Where a call of its own failed, the driver has answered.
  entry.in_doubt = nested_failure_.ok() && WorthAnotherTry(answer);
  innermost_ = outside;
  // What changed along did so before the driver itself was done, so it is put back after it.
  ObserveOthers(entry, step.running);
  Touch(entry);
  const absl::Status verified = CheckAnswer(entry, step, answer);
  nested_failure_ = failure_outside;
  if (!verified.ok()) return Fail(entry, verified);
  v1::ItemResult& item = Item(entry.driver->name());
  item.set_outcome(v1::OUTCOME_CHANGED);
  item.set_message(WithRemark(step.why, remark));
  return absl::OkStatus();
}

absl::Status SwitchTransaction::CheckAnswer(Entry& entry, const SwitchStep& step,
                                            const absl::Status& answer) {
  const DriverAnswer now = inquiry_.Ask(entry.driver);
  entry.known = now.state;
  if (!nested_failure_.ok()) {
    return WithMessage(
        nested_failure_,
        absl::StrCat(step.driver, " could not be ", Verb(step.running),
                     ", since what it asked for failed: ", nested_failure_.message()));
  }
  if (!answer.ok()) {
    return WithMessage(answer, absl::StrCat(step.driver, " could not be ", Verb(step.running), ": ",
                                            answer.message()));
  }
  if (entry.known == v1::DRIVER_STATE_UNKNOWN) {
    return MakeError(absl::StatusCode::kInternal, "DRIVER_STATE_UNKNOWN",
                     absl::StrCat(step.driver, " said that it was ", Verb(step.running),
                                  ", but whether it was can't be told: ", now.detail),
                     {{"driver", step.driver}});
  }
  if (entry.known == StateOf(step.running)) return absl::OkStatus();
  return MakeError(
      absl::StatusCode::kInternal, "DRIVER_DID_NOT_CHANGE",
      absl::StrCat(step.driver, " said that it was ", Verb(step.running),
                   ", but asked again it is ", Text(entry.known), "; see its own log for why"),
      {{"driver", step.driver}});
}

void SwitchTransaction::ObserveOthers(const Entry& cause, bool running) {
  std::vector<Entry*> others;
  std::vector<std::shared_ptr<HotplugDriver>> drivers;
  for (Entry& other : entries_) {
    if (&other == &cause || other.changing_to) continue;
    others.push_back(&other);
    drivers.push_back(other.driver);
  }
  const std::vector<DriverAnswer> answers = inquiry_.Ask(drivers);
  for (size_t i = 0; i < others.size(); ++i) Observe(*others[i], answers[i].state, cause, running);
}

void SwitchTransaction::Observe(Entry& other, v1::DriverState state, const Entry& cause,
                                bool running) {
  const v1::DriverState before = std::exchange(other.known, state);
  if (state == before || state == v1::DRIVER_STATE_UNKNOWN) return;
  if (before == v1::DRIVER_STATE_UNKNOWN && state == other.original) return;
  Touch(other);
  v1::ItemResult& item = Item(other.driver->name());
  item.set_outcome(v1::OUTCOME_CHANGED);
  item.set_message(WhyAlong(other, state == v1::DRIVER_STATE_RUNNING, cause, running));
}

// Why a driver changed that nobody called.
std::string SwitchTransaction::WhyAlong(const Entry& changed, bool changed_to, const Entry& cause,
                                        bool cause_to) {
  const absl::string_view name = changed.driver->name();
  const absl::string_view other = cause.driver->name();
  if (!OfKernel(*changed.driver) || !OfKernel(*cause.driver)) {
    return absl::StrCat(Verb(changed_to), " by itself as ", other, " ", Verb(cause_to));
  }
  std::string why = absl::StrCat(Verb(changed_to), " by the kernel as ", other, " ", Verb(cause_to),
                                 "; the kernel's own whitelists can't be read");
  // With a list of the policy's on one side, the missing side can only be the other one.
  const bool cause_spares = Lists(cause.whitelist, name);
  const bool changed_spares = Lists(changed.whitelist, other);
  if (!changed_to && cause_spares && changed_spares) {
    absl::StrAppend(&why, ", but they are not mutual, although the policy's are");
  } else if (!changed_to && (cause_spares || changed_spares)) {
    absl::StrAppend(&why, "; ", cause_spares ? other : name, " whitelists ",
                    cause_spares ? name : other, " by policy, so the missing side is that of ",
                    cause_spares ? name : other);
  }
  return why;
}

absl::Status SwitchTransaction::CheckWanted(absl::string_view cause) {
  for (Entry& entry : entries_) {
    if (!entry.wanted || entry.changing_to || entry.known == StateOf(*entry.wanted)) continue;
    const Entry* cause_entry = Find(cause);
    const bool by_kernel =
        cause_entry != nullptr && OfKernel(*cause_entry->driver) && OfKernel(*entry.driver);
    const absl::string_view name = entry.driver->name();
    std::string message =
        absl::StrCat(name, " was to be ", Text(StateOf(*entry.wanted)), " but was found ",
                     Text(entry.known), " after ", cause, " had changed");
    if (by_kernel && *entry.wanted) {
      message = absl::StrCat("the kernel stopped ", name, " as ", cause,
                             " started: its own whitelists of ", name, " and ", cause,
                             " don't both spare the other; let one of them run alone, or give "
                             "their modules mutual whitelists");
    }
    return Fail(
        entry, MakeError(absl::StatusCode::kFailedPrecondition,
                         by_kernel && *entry.wanted ? "STOPPED_BY_KERNEL" : "DID_NOT_STAY", message,
                         {{"driver", std::string(name)}, {"other", std::string(cause)}}));
  }
  return absl::OkStatus();
}

absl::Status SwitchTransaction::Fail(Entry& entry, const absl::Status& status) {
  v1::ItemResult& item = Item(entry.driver->name());
  item = FailedItem(Subject(entry.driver->name()), status);
  item.set_outcome(v1::OUTCOME_FAILED);
  return status;
}

absl::Status SwitchTransaction::Undo(const absl::Status& cause) {
  // What drivers ask for as they are put back would undo the undoing.
  nested_calls_ = NestedCalls::kIgnore;
  for (size_t i = journal_.size(); i-- > 0;) {
    const absl::Time now = clock_.Now();
    // An equal share each, so that one that hangs leaves time for the rest.
    PutBack(*journal_[i], now + (deadline_ - now) / static_cast<int64_t>(i + 1));
  }
  // Those that changed along in the undo itself are put back too, and looked at.
  PutBackOthers();
  UndoAccount account;
  for (Entry* entry : journal_) Settle(*entry, &account);
  std::reverse(account.undone.begin(), account.undone.end());
  std::string message(cause.message());
  if (!account.undone.empty()) {
    absl::StrAppend(&message, "; undone: ", absl::StrJoin(account.undone, ", "));
  }
  if (!account.left.empty()) {
    absl::StrAppend(&message, "; not undone: ", absl::StrJoin(account.left, ", "));
  }
  if (account.undone.empty() && account.left.empty()) message += "; nothing was changed";
  for (v1::ItemResult& item : items_) {
    if (item.outcome() == v1::OUTCOME_FAILED && item.message() == cause.message()) {
      item.set_message(message);
    }
  }
  return WithMessage(cause, message);
}

void SwitchTransaction::PutBack(Entry& entry, absl::Time deadline) {
  if (entry.original == v1::DRIVER_STATE_UNKNOWN) return;
  for (;;) {
    // One in doubt is told to go back whatever it answers now, so that this is its last order.
    if (!entry.in_doubt && inquiry_.Ask(entry.driver).state == entry.original) return;
    entry.put_back = true;
    const absl::Status answer = Ask(entry, entry.original == v1::DRIVER_STATE_RUNNING, deadline);
    entry.undo_remark = entry.driver->TakeRemark();
    entry.undo_problem = std::string(answer.message());
    if (answer.ok()) entry.in_doubt = false;
    const absl::Time now = clock_.Now();
    if (!WorthAnotherTry(answer) || now >= deadline) return;
    pause_(std::min(kPutBackPause, deadline - now));
  }
}

void SwitchTransaction::PutBackOthers() {
  const size_t touched = journal_.size();
  for (Entry& entry : entries_) Touch(entry);
  std::vector<std::shared_ptr<HotplugDriver>> others;
  for (size_t i = touched; i < journal_.size(); ++i) others.push_back(journal_[i]->driver);
  const std::vector<DriverAnswer> answers = inquiry_.Ask(others);
  for (size_t i = 0; i < others.size() && clock_.Now() < deadline_; ++i) {
    Entry& other = *journal_[touched + i];
    if (answers[i].state != other.original) PutBack(other, deadline_);
  }
}

void SwitchTransaction::Settle(Entry& entry, UndoAccount* account) {
  // What nobody knew can't be gone back to; only what was done to it is told.
  if (entry.original == v1::DRIVER_STATE_UNKNOWN && !entry.called) return;
  entry.known = inquiry_.Ask(entry.driver).state;
  if (entry.known == entry.original && !entry.in_doubt &&
      entry.original != v1::DRIVER_STATE_UNKNOWN) {
    SettleUndone(entry, account);
    return;
  }
  std::string left = DescribeLeft(entry);
  v1::ItemResult& item = Item(entry.driver->name());
  if (item.outcome() != v1::OUTCOME_FAILED) {
    item.set_outcome(v1::OUTCOME_FAILED);
    item.set_reason("UNDO_FAILED");
    item.set_message(left);
  }
  account->left.push_back(std::move(left));
}

void SwitchTransaction::SettleUndone(Entry& entry, UndoAccount* account) {
  const absl::string_view name = entry.driver->name();
  const v1::ItemResult* const told = FindItem(entry);
  const bool was_changed = told != nullptr && told->outcome() == v1::OUTCOME_CHANGED;
  if (!was_changed && !entry.put_back) return;
  const std::string what = WithRemark(
      absl::StrCat(Verb(entry.original == v1::DRIVER_STATE_RUNNING), " again"), entry.undo_remark);
  account->undone.push_back(absl::StrCat(name, " was ", what));
  if (!was_changed) return;
  v1::ItemResult& item = Item(name);
  item.set_outcome(v1::OUTCOME_UNDONE);
  item.set_reason("SWITCH_FAILED");
  item.set_message(absl::StrCat(item.message(), "; then ", what, ", since the switch failed"));
}

// Why an undo is none, or may not last.
std::string SwitchTransaction::DescribeLeft(const Entry& entry) {
  const absl::string_view name = entry.driver->name();
  const absl::string_view now = Text(entry.known);
  std::string left =
      entry.known == entry.original
          ? absl::StrCat(name, " is ", now, " as before")
          : absl::StrCat(name, " is left ", now, ", though it was ", Text(entry.original));
  if (entry.in_doubt) {
    absl::StrAppend(&left, entry.known == entry.original ? ", but" : " and",
                    " may still change, since what it was told has not ended");
  }
  if (!entry.undo_problem.empty()) absl::StrAppend(&left, " (", entry.undo_problem, ")");
  return left;
}

}  // namespace hotplugger::agent
