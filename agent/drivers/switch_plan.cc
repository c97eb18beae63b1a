#include "agent/drivers/switch_plan.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "agent/drivers/driver_errors.h"
#include "common/driver_rules.h"
#include "common/error_info.h"
#include "common/status_macros.h"

namespace hotplugger::agent {
namespace {

using DriverPointers = std::vector<const DriverSnapshot*>;

enum class Verdict { kSpare, kStop, kLeaveToKernel };

struct Judgement {
  Verdict verdict;
  std::string why;
};

bool BothOfKernel(const DriverSnapshot& a, const DriverSnapshot& b) {
  return a.provider == v1::DRIVER_PROVIDER_KERNEL && b.provider == v1::DRIVER_PROVIDER_KERNEL;
}

// Whether `running` may go on beside `starting`.
Judgement Judge(const DriverSnapshot& starting, const DriverSnapshot& running) {
  const CoexistenceResult rule =
      CheckCoexistence(starting.name, starting.whitelist, running.name, running.whitelist);
  switch (rule.coexistence) {
    case Coexistence::kSpared:
      return {Verdict::kSpare,
              absl::StrCat(starting.name, " and ", running.name, " whitelist each other")};
    case Coexistence::kConflict:
      return {Verdict::kStop, rule.explanation};
    case Coexistence::kUnknown:
      break;
  }
  if (BothOfKernel(starting, running)) {
    return {Verdict::kLeaveToKernel,
            absl::StrCat("the kernel decides between ", starting.name, " and ", running.name,
                         " by its own whitelists, which can't be read")};
  }
  const std::string& unread = starting.whitelist ? running.name : starting.name;
  return {Verdict::kStop,
          absl::StrCat("the whitelist of ", unread, " can't be read and so counts as empty; set ",
                       "drivers.whitelist.", unread, " in the policy to spare it")};
}

absl::StatusOr<const DriverSnapshot*> Find(const DriverSnapshots& snapshot,
                                           absl::string_view name) {
  if (name.empty()) return NoDriverError();
  const DriverSnapshot* driver = FindDriver(snapshot, name);
  if (driver == nullptr) return NotRegisteredError(name, snapshot);
  return driver;
}

bool Contains(const DriverPointers& drivers, const DriverSnapshot* driver) {
  return std::find(drivers.begin(), drivers.end(), driver) != drivers.end();
}

// Each once, however often it is named.
absl::StatusOr<DriverPointers> FindAll(const DriverSnapshots& snapshot,
                                       const std::vector<std::string>& names) {
  DriverPointers drivers;
  for (const std::string& name : names) {
    ASSIGN_OR_RETURN(const DriverSnapshot* driver, Find(snapshot, name));
    if (!Contains(drivers, driver)) drivers.push_back(driver);
  }
  return drivers;
}

std::string Names(const DriverPointers& drivers) {
  return absl::StrJoin(drivers, ", ", [](std::string* out, const DriverSnapshot* driver) {
    absl::StrAppend(out, driver->name);
  });
}

absl::Status CheckDisjoint(const DriverPointers& active, const DriverPointers& stopped) {
  for (const DriverSnapshot* driver : active) {
    if (!Contains(stopped, driver)) continue;
    return MakeError(absl::StatusCode::kInvalidArgument, "ACTIVE_AND_STOPPED",
                     absl::StrCat(driver->name, " is to run and to be stopped; name it once"),
                     {{"driver", driver->name}});
  }
  return absl::OkStatus();
}

absl::Status CheckActiveSet(const DriverPointers& active) {
  for (size_t i = 0; i < active.size(); ++i) {
    for (size_t j = i + 1; j < active.size(); ++j) {
      const Judgement judgement = Judge(*active[i], *active[j]);
      if (judgement.verdict != Verdict::kStop) continue;
      return MakeError(absl::StatusCode::kInvalidArgument, "ACTIVE_SET_CONFLICT",
                       absl::StrCat(active[i]->name, " and ", active[j]->name,
                                    " can't run side by side: ", judgement.why),
                       {{"driver", active[i]->name}, {"other", active[j]->name}});
    }
  }
  return absl::OkStatus();
}

// One driver that was asked for: a step, or a note where it is so already.
absl::Status AddWanted(const DriverSnapshot& driver, bool running, std::string why,
                       SwitchPlan* plan) {
  if (driver.state == v1::DRIVER_STATE_UNKNOWN) return StateUnknownError(driver);
  if ((driver.state == v1::DRIVER_STATE_RUNNING) == running) {
    (running ? plan->already_running : plan->already_stopped)
        .push_back({driver.name, running ? "was running already" : "was stopped already"});
  } else {
    plan->steps.push_back({driver.name, running, std::move(why)});
  }
  return absl::OkStatus();
}

// One driver that nobody asked for: stopped if one of `active` is in conflict with it.
absl::Status AddBystander(const DriverSnapshot& other, const DriverPointers& active,
                          SwitchPlan* plan) {
  std::string left_to_kernel;
  for (const DriverSnapshot* starting : active) {
    Judgement judgement = Judge(*starting, other);
    if (judgement.verdict == Verdict::kLeaveToKernel) left_to_kernel = std::move(judgement.why);
    if (judgement.verdict != Verdict::kStop) continue;
    if (other.state == v1::DRIVER_STATE_UNKNOWN) return StateUnknownError(other);
    plan->steps.push_back(
        {other.name, false, absl::StrCat("stopped for ", starting->name, ": ", judgement.why)});
    return absl::OkStatus();
  }
  if (other.state != v1::DRIVER_STATE_RUNNING) return absl::OkStatus();
  plan->spared.push_back(
      {other.name, left_to_kernel.empty()
                       ? absl::StrCat("spared: it and ", Names(active), " whitelist each other")
                       : absl::StrCat("left running: ", left_to_kernel)});
  return absl::OkStatus();
}

absl::Status AddBystanders(const DriverSnapshots& snapshot, const DriverPointers& active,
                           const DriverPointers& stopped, SwitchPlan* plan) {
  if (active.empty()) return absl::OkStatus();
  for (const DriverSnapshot& other : snapshot) {
    if (other.state == v1::DRIVER_STATE_STOPPED) continue;
    if (Contains(active, &other) || Contains(stopped, &other)) continue;
    RETURN_IF_ERROR(AddBystander(other, active, plan));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<SwitchPlan> PlanSwitch(const DriverSnapshots& snapshot,
                                      const std::vector<std::string>& active,
                                      const std::vector<std::string>& stopped) {
  ASSIGN_OR_RETURN(const DriverPointers to_run, FindAll(snapshot, active));
  ASSIGN_OR_RETURN(const DriverPointers to_stop, FindAll(snapshot, stopped));
  RETURN_IF_ERROR(CheckDisjoint(to_run, to_stop));
  RETURN_IF_ERROR(CheckActiveSet(to_run));
  SwitchPlan plan;
  for (const DriverSnapshot* driver : to_stop) {
    RETURN_IF_ERROR(AddWanted(*driver, false, "stopped as asked", &plan));
  }
  RETURN_IF_ERROR(AddBystanders(snapshot, to_run, to_stop, &plan));
  for (const DriverSnapshot* driver : to_run) {
    RETURN_IF_ERROR(AddWanted(*driver, true, "started as asked", &plan));
  }
  return plan;
}

absl::StatusOr<SwitchPlan> PlanDisableConflicts(const DriverSnapshots& snapshot,
                                                absl::string_view driver) {
  ASSIGN_OR_RETURN(const DriverSnapshot* starting, Find(snapshot, driver));
  SwitchPlan plan;
  RETURN_IF_ERROR(AddBystanders(snapshot, {starting}, {}, &plan));
  return plan;
}

absl::StatusOr<SwitchPlan> PlanEnableOne(const DriverSnapshots& snapshot,
                                         absl::string_view driver) {
  ASSIGN_OR_RETURN(const DriverSnapshot* wanted, Find(snapshot, driver));
  SwitchPlan plan;
  if (wanted->state == v1::DRIVER_STATE_STOPPED && !wanted->calls_disable_conflicts) {
    RETURN_IF_ERROR(AddBystanders(snapshot, {wanted}, {}, &plan));
  }
  RETURN_IF_ERROR(AddWanted(*wanted, true, "started as asked", &plan));
  return plan;
}

absl::StatusOr<SwitchPlan> PlanDisableOne(const DriverSnapshots& snapshot,
                                          absl::string_view driver) {
  ASSIGN_OR_RETURN(const DriverSnapshot* wanted, Find(snapshot, driver));
  SwitchPlan plan;
  if (wanted->state == v1::DRIVER_STATE_UNKNOWN) {
    plan.steps.push_back(
        {wanted->name, false, "stopped as asked, though whether it ran could not be told"});
    return plan;
  }
  RETURN_IF_ERROR(AddWanted(*wanted, false, "stopped as asked", &plan));
  return plan;
}

absl::StatusOr<SwitchPlan> PlanRestore(const DriverSnapshots& snapshot,
                                       const std::map<std::string, bool>& states) {
  std::vector<std::string> to_run;
  std::vector<std::string> to_stop;
  SwitchPlan plan;
  for (const auto& [name, running] : states) {
    if (!name.empty() && FindDriver(snapshot, name) == nullptr) {
      plan.gone.push_back({name, "is no longer registered, so there is nothing to put back"});
    } else {
      (running ? to_run : to_stop).push_back(name);
    }
  }
  ASSIGN_OR_RETURN(const DriverPointers running, FindAll(snapshot, to_run));
  ASSIGN_OR_RETURN(const DriverPointers stopped, FindAll(snapshot, to_stop));
  RETURN_IF_ERROR(CheckDisjoint(running, stopped));
  for (const DriverSnapshot* driver : stopped) {
    RETURN_IF_ERROR(AddWanted(*driver, false, "stopped, as it was before", &plan));
  }
  for (const DriverSnapshot* driver : running) {
    RETURN_IF_ERROR(AddWanted(*driver, true, "started, as it was before", &plan));
  }
  return plan;
}

}  // namespace hotplugger::agent
