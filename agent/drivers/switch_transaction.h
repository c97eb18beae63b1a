// Carries out plans on drivers as one transaction: every step verified, every step undoable.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "agent/counters/agent_counters.h"
#include "agent/drivers/driver.h"
#include "agent/drivers/driver_snapshot.h"
#include "agent/drivers/state_inquiry.h"
#include "agent/drivers/switch_plan.h"
#include "common/clock.h"
#include "hotplugger/v1/device.pb.h"

namespace hotplugger::agent {

// Used by one thread: the one that switches. A driver that calls the registry back, from within a
// step, has its own plan run in the same transaction, so that one undo covers both.
class SwitchTransaction {
 public:
  // What becomes of calls that a driver makes back into the registry while it is being changed.
  enum class NestedCalls { kRun, kIgnore };

  // Lets so much of the clock's time pass.
  using Pause = std::function<void(absl::Duration)>;
  // Between tries to put a driver back.
  static constexpr absl::Duration kPutBackPause = absl::Milliseconds(100);

  // Half of the time until `deadline` is kept for the undo. `clock`, `inquiry` and `counters`
  // outlive this.
  SwitchTransaction(Clock& clock, StateInquiry& inquiry, AgentCounters& counters, Pause pause,
                    absl::Time deadline, NestedCalls nested_calls);

  // Takes note of the drivers and of how they are. What was known before is what undo goes back
  // to. The two are parallel.
  void Learn(const std::vector<std::shared_ptr<HotplugDriver>>& drivers,
             const DriverSnapshots& snapshot);

  // Does the steps in order up to the first that fails, and says which and why; those after it are
  // noted as skipped. Undo is the caller's.
  absl::Status Run(const SwitchPlan& plan);

  // A nested plan failed: the step that it came from fails too, whatever its driver says.
  void FailOuterStep(const absl::Status& status) { nested_failure_.Update(status); }

  // Brings every driver that was touched, or that changed along, back to how it was first, in
  // reverse order. What is only in the way for now (UNAVAILABLE, DEADLINE_EXCEEDED) is tried again
  // while there is time. Returns `cause` with what was undone, and what could not be or may still
  // change by itself, in its message.
  absl::Status Undo(const absl::Status& cause);

  bool ignores_nested_calls() const { return nested_calls_ == NestedCalls::kIgnore; }
  bool IsChanging(absl::string_view driver) const;

  // Counts what became of each driver that was to be started or stopped, once; those that were so
  // already where `count_already` says so.
  void Count(bool count_already) const;

  // So far; the `first` drivers come first, in that order.
  std::vector<v1::ItemResult> Items(const std::vector<std::string>& first) const;

 private:
  struct Entry {
    std::shared_ptr<HotplugDriver> driver;
    v1::DriverState original = v1::DRIVER_STATE_UNKNOWN;
    v1::DriverState known = v1::DRIVER_STATE_UNKNOWN;
    // As it counts in this switch.
    DriverWhitelist whitelist;
    // What it was last asked to be, whatever came of it.
    std::optional<bool> asked;
    // What the transaction wants of it; checked after every step.
    std::optional<bool> wanted;
    // While its ChangeState is on the stack: the state asked for.
    std::optional<bool> changing_to;
    // A step called its ChangeState.
    bool called = false;
    // That ended without an answer and has not been taken back: what the driver was told may take
    // effect later, whatever it answers now.
    bool in_doubt = false;
    // Undo called ChangeState; what that answered where it failed, and said where it didn't.
    bool put_back = false;
    std::string undo_problem;
    std::string undo_remark;
  };
  // For a person: what was put back, and what is not as it was.
  struct UndoAccount {
    std::vector<std::string> undone;
    std::vector<std::string> left;
  };

  Entry* Find(absl::string_view name);
  // Null where there is none.
  const v1::ItemResult* FindItem(const Entry& entry) const;
  v1::ItemResult& Item(absl::string_view name);
  void Note(const SwitchNote& note, std::optional<bool> wanted);
  void Touch(Entry& entry);
  absl::Status Step(const SwitchStep& step);
  void Skip(const SwitchStep& step, absl::string_view failed);
  // The driver's answer, and how long it took.
  absl::Status Ask(Entry& entry, bool running, absl::Time deadline);
  absl::Status Change(Entry& entry, const SwitchStep& step);
  absl::Status CheckAnswer(Entry& entry, const SwitchStep& step, const absl::Status& answer);
  void ObserveOthers(const Entry& cause, bool running);
  void Observe(Entry& other, v1::DriverState state, const Entry& cause, bool running);
  static std::string WhyAlong(const Entry& changed, bool changed_to, const Entry& cause,
                              bool cause_to);
  absl::Status CheckWanted(absl::string_view cause);
  absl::Status Fail(Entry& entry, const absl::Status& status);
  void PutBack(Entry& entry, absl::Time deadline);
  void PutBackOthers();
  void Settle(Entry& entry, UndoAccount* account);
  void SettleUndone(Entry& entry, UndoAccount* account);
  static std::string DescribeLeft(const Entry& entry);

  Clock& clock_;
  StateInquiry& inquiry_;
  AgentCounters& counters_;
  const Pause pause_;
  const absl::Time deadline_;
  const absl::Time forward_deadline_;
  NestedCalls nested_calls_;
  // In order of registration. A deque, because nested calls add to it while entries are in use.
  std::deque<Entry> entries_;
  // Touched, in the order in which they changed; each once.
  std::vector<Entry*> journal_;
  std::vector<v1::ItemResult> items_;
  // Of the step whose ChangeState is innermost on the stack.
  absl::Status nested_failure_;
  Entry* innermost_ = nullptr;
};

}  // namespace hotplugger::agent
