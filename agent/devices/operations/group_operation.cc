#include "agent/devices/operations/group_operation.h"

#include <cerrno>
#include <map>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "agent/devices/rules/item_result.h"
#include "common/log.h"
#include "common/status_macros.h"

namespace hotplugger::agent {
namespace {

bool WorthASecondTry(const v1::ItemResult& item) {
  // It took its whole deadline already.
  if (item.reason() == "OFFLINE_ABORTED") return false;
  return !Succeeded(item) &&
         (item.retry() == v1::RETRY_CLASS_TRANSIENT || item.retry() == v1::RETRY_CLASS_CONDITIONAL);
}

// After these nothing else of the group is tried: the queue is blocked, or the host has no
// interrupt vectors left, which each further CPU would only make worse.
bool StopsTheGroup(const DeviceChange& change, const v1::ItemResult& item) {
  if (item.reason() == "STUCK" || item.reason() == "QUEUE_BLOCKED") return true;
  return change.device.kind == v1::DEVICE_KIND_CPU && item.error_number() == ENOSPC;
}

v1::ItemResult Skipped(const DeviceChange& change, absl::string_view reason, absl::string_view why,
                       v1::RetryClass retry) {
  v1::ItemResult item = DoneItem(FormatDeviceName(change.device), v1::OUTCOME_SKIPPED);
  item.set_reason(std::string(reason));
  item.set_message(absl::StrCat("not tried: ", why));
  item.set_retry(retry);
  return item;
}

bool IsOnline(v1::DeviceState state) { return state == v1::DEVICE_STATE_ONLINE; }

// Makes a device what it was; ALREADY where it is.
absl::StatusOr<v1::ItemResult> PutBack(DeviceOperator& devices, const DeviceBefore& before,
                                       absl::Duration deadline, uint64_t group) {
  ASSIGN_OR_RETURN(DeviceName name, ParseDeviceName(before.device));
  return devices.Change({std::move(name), IsOnline(before.state), before.zone},
                        {.deadline = deadline, .group = group, .undo = true, .count = false});
}

// One group under way.
class Group {
 public:
  Group(DeviceOperator& devices, const DeviceChanges& changes, const GroupOptions& options,
        uint64_t journal_group)
      : devices_(devices),
        changes_(changes),
        options_(options),
        journal_group_(journal_group),
        items_(changes.size()) {}

  std::vector<v1::ItemResult> Run() {
    FirstPass();
    if (!ended_) SecondPass();
    if (all_or_nothing() && AnyFailed()) Undo();
    for (size_t i = 0; i < items_.size(); ++i) {
      if (items_[i]) continue;
      items_[i] = Skipped(changes_[i], stop_reason_, stop_message_, stop_retry_);
    }
    std::vector<v1::ItemResult> results;
    for (std::optional<v1::ItemResult>& item : items_) results.push_back(*std::move(item));
    return results;
  }

 private:
  bool all_or_nothing() const { return journal_group_ != 0; }

  void FirstPass() {
    for (size_t i = 0; i < changes_.size() && !ended_; ++i) Try(i);
  }

  void SecondPass() {
    for (size_t i = 0; i < changes_.size() && !ended_; ++i) {
      if (!items_[i] || !WorthASecondTry(*items_[i])) continue;
      Try(i);
      // Nothing mends it any more, so the rest need not be tried.
      if (all_or_nothing() && !Succeeded(*items_[i])) ended_ = true;
    }
  }

  void Try(size_t i) {
    if (options_.stopped()) {
      Stop("AGENT_STOPPING", "the agent is stopping; it goes on when it is back",
           v1::RETRY_CLASS_TRANSIENT);
      return;
    }
    const DeviceChange& change = changes_[i];
    absl::StatusOr<v1::ItemResult> result = devices_.Change(change, {.deadline = options_.deadline,
                                                                     .group = journal_group_,
                                                                     .origin = options_.origin,
                                                                     .count = false});
    items_[i] = result.ok() ? *std::move(result)
                            : FailedItem(FormatDeviceName(change.device), result.status());
    if (Succeeded(*items_[i])) return;
    if (StopsTheGroup(change, *items_[i])) {
      Stop("GROUP_STOPPED",
           absl::StrCat("the operation on ", items_[i]->subject(), " ended with ",
                        items_[i]->reason()),
           items_[i]->retry());
    } else if (all_or_nothing() && !WorthASecondTry(*items_[i])) {
      Stop("GROUP_FAILED",
           absl::StrCat(items_[i]->subject(), " of this all-or-nothing group can't be changed (",
                        items_[i]->reason(), ")"),
           items_[i]->retry());
    }
  }

  // `retry`: what stopped it says when the rest is worth another try.
  void Stop(absl::string_view reason, std::string why, v1::RetryClass retry) {
    ended_ = true;
    stop_retry_ = retry;
    stop_reason_ = std::string(reason);
    stop_message_ = std::move(why);
  }

  bool AnyFailed() const {
    if (ended_) return true;
    for (const std::optional<v1::ItemResult>& item : items_) {
      if (item && !Succeeded(*item)) return true;
    }
    return false;
  }

  // In reverse order of what the journal says was touched.
  void Undo() {
    std::map<absl::string_view, size_t> index_of;
    for (size_t i = 0; i < items_.size(); ++i) {
      if (items_[i]) index_of.emplace(items_[i]->subject(), i);
    }
    const std::vector<DeviceBefore> touched = devices_.journal().TouchedBy(journal_group_);
    for (auto it = touched.rbegin(); it != touched.rend(); ++it) {
      const auto found = index_of.find(it->device);
      if (found != index_of.end()) UndoOne(*it, *items_[found->second]);
    }
  }

  void UndoOne(const DeviceBefore& before, v1::ItemResult& item) {
    const absl::StatusOr<v1::ItemResult> undone =
        PutBack(devices_, before, options_.deadline, journal_group_);
    if (!Succeeded(item)) {
      if (!undone.ok()) {
        item.set_message(absl::StrCat(item.message(), "; it may have changed, and could not be ",
                                      "put back: ", undone.status().message()));
      } else if (undone->outcome() == v1::OUTCOME_CHANGED) {
        item.set_message(absl::StrCat(item.message(), "; it had changed, and was put back"));
      }
      return;
    }
    item.set_outcome(undone.ok() ? v1::OUTCOME_UNDONE : v1::OUTCOME_FAILED);
    item.set_reason(undone.ok() ? "GROUP_FAILED" : "UNDO_FAILED");
    item.set_message(
        undone.ok() ? std::string("done, and undone because another device of this "
                                  "all-or-nothing group could not be changed")
                    : absl::StrCat("done, and could not be undone: ", undone.status().message()));
    item.set_retry(v1::RETRY_CLASS_CONDITIONAL);
  }

  DeviceOperator& devices_;
  const DeviceChanges& changes_;
  const GroupOptions& options_;
  // 0: best effort.
  const uint64_t journal_group_;
  // One a change; nothing until it has been tried.
  std::vector<std::optional<v1::ItemResult>> items_;
  bool ended_ = false;
  std::string stop_reason_ = "AGENT_STOPPING";
  std::string stop_message_;
  v1::RetryClass stop_retry_ = v1::RETRY_CLASS_TRANSIENT;
};

// Puts one device of an unfinished group back; nothing where it is as it was.
std::optional<v1::ItemResult> Recover(DeviceOperator& devices, const DeviceBefore& before,
                                      uint64_t group) {
  absl::StatusOr<v1::ItemResult> result =
      PutBack(devices, before, OperationOptions::kDefaultDeadline, group);
  if (!result.ok()) return FailedItem(before.device, result.status());
  if (result->outcome() == v1::OUTCOME_ALREADY) return std::nullopt;
  v1::ItemResult item = DoneItem(before.device, v1::OUTCOME_UNDONE);
  item.set_reason("GROUP_UNFINISHED");
  item.set_message(
      absl::StrCat("the agent ended in the middle of an all-or-nothing group; ", before.device,
                   " is ", IsOnline(before.state) ? "online" : "offline", " again, as before it"));
  return item;
}

// What the device is, once it is no longer on its way.
absl::StatusOr<v1::DeviceState> ReadSettledState(DeviceOperator& devices, const std::string& device,
                                                 const std::function<void()>& pause) {
  absl::StatusOr<v1::DeviceState> state = devices.ReadState(device);
  for (int i = 0; i < kMaxPauses; ++i) {
    if (!state.ok() || *state != v1::DEVICE_STATE_GOING_OFFLINE) break;
    pause();
    state = devices.ReadState(device);
  }
  return state;
}

// What became of an operation that has no end in the journal.
v1::ItemResult Settle(DeviceOperator& devices, const UnfinishedOperation& operation,
                      const std::function<void()>& pause) {
  const absl::StatusOr<v1::DeviceState> state = ReadSettledState(devices, operation.device, pause);
  v1::ItemResult item = DoneItem(operation.device, v1::OUTCOME_FAILED);
  item.set_reason("AGENT_ENDED");
  item.set_retry(v1::RETRY_CLASS_TRANSIENT);
  std::string found;
  if (!state.ok()) {
    found = absl::StrCat("what the device is can't be read: ", state.status().message());
  } else if (*state == v1::DEVICE_STATE_GOING_OFFLINE) {
    found = absl::StrCat(operation.device, " is still going offline");
  } else {
    found = absl::StrCat(operation.device, " is ", IsOnline(*state) ? "online" : "offline");
  }
  if (state.ok() && *state == operation.wanted) {
    item.set_outcome(v1::OUTCOME_CHANGED);
    item.set_retry(v1::RETRY_CLASS_UNSPECIFIED);
  }
  item.set_message(absl::StrCat("the agent ended before it knew how this went; ", found));
  return item;
}

void EndGroup(Journal& journal, uint64_t group) {
  const absl::Status ended = journal.EndGroup(group);
  if (ended.ok()) return;
  Log(LogLevel::kError, "the end of a group can't be written to the journal",
      {{"cause", std::string(ended.message())}});
}

std::vector<v1::ItemResult> RunUncounted(DeviceOperator& devices, const DeviceChanges& changes,
                                         const GroupOptions& options) {
  if (options.mode != v1::GROUP_MODE_ALL_OR_NOTHING || changes.empty()) {
    return Group(devices, changes, options, 0).Run();
  }
  const absl::StatusOr<uint64_t> group = devices.journal().BeginGroup();
  if (!group.ok()) {
    std::vector<v1::ItemResult> items;
    for (const DeviceChange& change : changes) {
      items.push_back(FailedItem(FormatDeviceName(change.device), group.status()));
    }
    return items;
  }
  std::vector<v1::ItemResult> items = Group(devices, changes, options, *group).Run();
  EndGroup(devices.journal(), *group);
  return items;
}

}  // namespace

std::vector<v1::ItemResult> RunGroup(DeviceOperator& devices, const DeviceChanges& changes,
                                     const GroupOptions& options) {
  std::vector<v1::ItemResult> items = RunUncounted(devices, changes, options);
  // Each device once, by what became of it: a second try, or an undo, is a part of that.
  for (size_t i = 0; i < changes.size(); ++i) devices.Count(changes[i], items[i]);
  return items;
}

std::vector<v1::ItemResult> RecoverJournal(DeviceOperator& devices,
                                           const std::function<void()>& pause) {
  std::vector<v1::ItemResult> items;
  Journal& journal = devices.journal();
  for (const UnfinishedOperation& operation : journal.unfinished()) {
    v1::ItemResult item = Settle(devices, operation, pause);
    const absl::Status ended = journal.End(operation.id, item);
    if (!ended.ok()) item.set_message(absl::StrCat(item.message(), "; ", ended.message()));
    items.push_back(std::move(item));
  }
  for (const uint64_t group : journal.unfinished_groups()) {
    const std::vector<DeviceBefore> touched = journal.TouchedBy(group);
    for (auto it = touched.rbegin(); it != touched.rend(); ++it) {
      std::optional<v1::ItemResult> item = Recover(devices, *it, group);
      if (item) items.push_back(*std::move(item));
    }
    EndGroup(journal, group);
  }
  return items;
}

}  // namespace hotplugger::agent
