#include "agent/drivers/switch_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "common/error_info.h"

namespace hotplugger::agent {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using Names = std::vector<std::string>;

constexpr v1::DriverProvider kAgent = v1::DRIVER_PROVIDER_UNSPECIFIED;
constexpr v1::DriverProvider kKernel = v1::DRIVER_PROVIDER_KERNEL;
constexpr v1::DriverState kRunning = v1::DRIVER_STATE_RUNNING;
constexpr v1::DriverState kStopped = v1::DRIVER_STATE_STOPPED;
constexpr v1::DriverState kUnknown = v1::DRIVER_STATE_UNKNOWN;

DriverSnapshot OfAgent(std::string name, v1::DriverState state, Names whitelist = {}) {
  return {std::move(name), kAgent, state, "", std::move(whitelist), false};
}

DriverSnapshot OfKernel(std::string name, v1::DriverState state,
                        DriverWhitelist whitelist = std::nullopt) {
  return {std::move(name), kKernel, state, "", std::move(whitelist), false};
}

// "stop a", "start b".
Names Steps(const absl::StatusOr<SwitchPlan>& plan) {
  if (!plan.ok()) return {absl::StrCat("error ", ErrorReason(plan.status()))};
  Names steps;
  for (const SwitchStep& step : plan->steps) {
    steps.push_back(absl::StrCat(step.running ? "start " : "stop ", step.driver));
  }
  return steps;
}

struct Row {
  std::string description;
  DriverSnapshots snapshot;
  Names active;
  Names stopped;
  Names steps;
};

TEST(PlanSwitchTest, Table) {
  const Row rows[] = {
      {"nothing asked, nothing done", {OfAgent("a", kRunning)}, {}, {}, {}},
      {"all others stop",
       {OfAgent("a", kStopped), OfAgent("b", kRunning)},
       {"a"},
       {},
       {"stop b", "start a"}},
      {"also where the active one runs already",
       {OfAgent("a", kRunning), OfAgent("b", kRunning)},
       {"a"},
       {},
       {"stop b"}},
      {"those that are to stop go first, in the order asked",
       {OfAgent("x", kRunning), OfAgent("a", kStopped), OfAgent("b", kRunning),
        OfAgent("c", kRunning)},
       {"a"},
       {"c", "b"},
       {"stop c", "stop b", "stop x", "start a"}},
      {"starts keep the order asked",
       {OfAgent("a", kStopped, {"*"}), OfAgent("b", kStopped, {"*"})},
       {"b", "a"},
       {},
       {"start b", "start a"}},
      {"each once, however often and however written",
       {OfAgent("a", kStopped)},
       {"a", "A"},
       {},
       {"start a"}},
      {"stopped whatever the whitelists say",
       {OfAgent("a", kStopped, {"b"}), OfAgent("b", kRunning, {"a"})},
       {"a"},
       {"b"},
       {"stop b", "start a"}},
      {"spared by one active driver, not by the other",
       {OfAgent("a", kStopped, {"*"}), OfAgent("b", kStopped, {"a"}),
        OfAgent("c", kRunning, {"*"})},
       {"a", "b"},
       {},
       {"stop c", "start a", "start b"}},
      {"between the kernel's own the kernel decides",
       {OfKernel("a", kStopped), OfKernel("b", kRunning)},
       {"a"},
       {},
       {"start a"}},
      {"unless the policy's whitelists say no",
       {OfKernel("a", kStopped, Names()), OfKernel("b", kRunning)},
       {"a"},
       {},
       {"stop b", "start a"}},
      {"what can't be read counts as empty across providers",
       {OfKernel("a", kStopped), OfAgent("b", kRunning, {"*"})},
       {"a"},
       {},
       {"stop b", "start a"}},
      {"the policy's whitelist makes it readable",
       {OfKernel("a", kStopped, Names{"b"}), OfAgent("b", kRunning, {"a"})},
       {"a"},
       {},
       {"start a"}},
      {"two of the kernel in one set",
       {OfKernel("a", kStopped), OfKernel("b", kStopped)},
       {"a", "b"},
       {},
       {"start a", "start b"}},
      {"not registered", {OfAgent("a", kStopped)}, {"zen"}, {}, {"error DRIVER_NOT_REGISTERED"}},
      {"not registered, to be stopped",
       {OfAgent("a", kStopped)},
       {"a"},
       {"zen"},
       {"error DRIVER_NOT_REGISTERED"}},
      {"no name", {OfAgent("a", kStopped)}, {""}, {}, {"error NO_DRIVER"}},
      {"both at once", {OfAgent("a", kStopped)}, {"a"}, {"A"}, {"error ACTIVE_AND_STOPPED"}},
      {"a set in conflict with itself",
       {OfAgent("a", kStopped, {"b"}), OfAgent("b", kRunning)},
       {"a", "b"},
       {},
       {"error ACTIVE_SET_CONFLICT"}},
      {"an unreadable set across providers",
       {OfKernel("a", kStopped), OfAgent("b", kStopped, {"a"})},
       {"a", "b"},
       {},
       {"error ACTIVE_SET_CONFLICT"}},
      {"an active one that can't be asked",
       {OfAgent("a", kUnknown)},
       {"a"},
       {},
       {"error DRIVER_STATE_UNKNOWN"}},
      {"a stopped one that can't be asked",
       {OfAgent("a", kUnknown)},
       {},
       {"a"},
       {"error DRIVER_STATE_UNKNOWN"}},
      {"one in conflict that can't be asked",
       {OfAgent("a", kStopped), OfAgent("b", kUnknown)},
       {"a"},
       {},
       {"error DRIVER_STATE_UNKNOWN"}},
      {"one that is spared need not answer",
       {OfAgent("a", kStopped, {"b"}), OfAgent("b", kUnknown, {"a"})},
       {"a"},
       {},
       {"start a"}},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(Steps(PlanSwitch(row.snapshot, row.active, row.stopped)), row.steps)
        << row.description;
  }
}

TEST(PlanSwitchTest, NamesTheMissingSideOfASetInConflict) {
  const DriverSnapshots snapshot = {OfAgent("a", kStopped, {"b"}), OfAgent("b", kStopped)};
  for (const Names& active : {Names{"a", "b"}, Names{"b", "a"}}) {
    EXPECT_THAT(std::string(PlanSwitch(snapshot, active, {}).status().message()),
                HasSubstr("add a to the whitelist of b"));
  }
}

TEST(PlanSwitchTest, NamesThePolicySettingForAnUnreadableWhitelist) {
  const DriverSnapshots snapshot = {OfKernel("a", kStopped), OfAgent("b", kRunning, {"a"})};
  const absl::StatusOr<SwitchPlan> plan = PlanSwitch(snapshot, {"a"}, {});
  ASSERT_EQ(plan.status(), absl::OkStatus());
  EXPECT_THAT(plan->steps[0].why, AllOf(HasSubstr("stopped for a"),
                                        HasSubstr("set drivers.whitelist.a in the policy")));
}

TEST(PlanSwitchTest, TellsWhoIsLeftRunningAndWhy) {
  const DriverSnapshots snapshot = {OfKernel("a", kStopped), OfKernel("b", kRunning),
                                    OfAgent("c", kStopped)};
  const absl::StatusOr<SwitchPlan> plan = PlanSwitch(snapshot, {"a"}, {});
  ASSERT_EQ(plan.status(), absl::OkStatus());
  ASSERT_EQ(plan->spared.size(), 1u);
  EXPECT_EQ(plan->spared[0].driver, "b");
  EXPECT_THAT(plan->spared[0].why, HasSubstr("the kernel decides"));
}

TEST(PlanSwitchTest, ListsTheRegisteredWhereAnUnknownOneIsNamed) {
  const DriverSnapshots snapshot = {OfAgent("a", kStopped), OfAgent("b", kStopped)};
  EXPECT_THAT(std::string(PlanSwitch(snapshot, {"zen\n"}, {}).status().message()),
              AllOf(HasSubstr("zen\\n"), HasSubstr("a, b")));
  EXPECT_THAT(std::string(PlanSwitch({}, {"zen"}, {}).status().message()), HasSubstr("none is"));
}

TEST(PlanEnableOneTest, StopsConflictsOnlyForADriverThatCannotAskForIt) {
  DriverSnapshots snapshot = {OfAgent("a", kStopped), OfAgent("b", kRunning)};
  EXPECT_THAT(Steps(PlanEnableOne(snapshot, "a")), ElementsAre("stop b", "start a"));
  snapshot[0].calls_disable_conflicts = true;
  EXPECT_THAT(Steps(PlanEnableOne(snapshot, "a")), ElementsAre("start a"));
  EXPECT_THAT(Steps(PlanEnableOne(snapshot, "b")), IsEmpty()) << "runs already";
}

TEST(PlanDisableConflictsTest, DoesNotStartTheDriver) {
  const DriverSnapshots snapshot = {OfAgent("a", kStopped), OfAgent("b", kRunning)};
  EXPECT_THAT(Steps(PlanDisableConflicts(snapshot, "a")), ElementsAre("stop b"));
  EXPECT_THAT(Steps(PlanDisableConflicts(snapshot, "")), ElementsAre("error NO_DRIVER"));
}

TEST(PlanDisableOneTest, StopsThatOneAlone) {
  const DriverSnapshots snapshot = {OfAgent("a", kRunning), OfAgent("b", kRunning)};
  EXPECT_THAT(Steps(PlanDisableOne(snapshot, "A")), ElementsAre("stop a"));
}

TEST(PlanRestoreTest, StopsBeforeItStartsAndSkipsWhatIsGone) {
  const DriverSnapshots snapshot = {OfAgent("a", kStopped), OfAgent("b", kRunning),
                                    OfAgent("c", kRunning)};
  const absl::StatusOr<SwitchPlan> plan =
      PlanRestore(snapshot, {{"a", true}, {"b", false}, {"c", true}, {"zen", true}});
  EXPECT_THAT(Steps(plan), ElementsAre("stop b", "start a"));
  ASSERT_EQ(plan.status(), absl::OkStatus());
  ASSERT_EQ(plan->gone.size(), 1u);
  EXPECT_EQ(plan->gone[0].driver, "zen");
  EXPECT_THAT(Steps(PlanRestore(snapshot, {{"a", true}, {"A", false}})),
              ElementsAre("error ACTIVE_AND_STOPPED"));
}

}  // namespace
}  // namespace hotplugger::agent
