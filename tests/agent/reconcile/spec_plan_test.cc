#include "agent/reconcile/spec_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "agent/reconcile/host_spec_plan.h"
#include "agent/reconcile/pass.h"
#include "common/error_info.h"
#include "tests/agent/reconcile/host_fixture.h"
#include "tests/fakes/proto_text.h"
#include "tests/fakes/snapshot_builder.h"

namespace hotplugger::agent {
namespace {

using ::testing::ElementsAre;
using testing::FromText;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::SnapshotBuilder;

// "SUBJECT OUTCOME: MESSAGE" or, where it is refused, "SUBJECT REASON".
std::vector<std::string> Steps(const v1::DevicePlan& plan) {
  std::vector<std::string> lines;
  for (const v1::ItemResult& step : plan.steps()) {
    lines.push_back(step.outcome() == v1::OUTCOME_CHANGED
                        ? absl::StrCat(step.subject(), " ", step.message())
                        : absl::StrCat(step.subject(), " ", step.reason()));
  }
  return lines;
}

// Two packages of four cores of two threads: the second threads are CPUs 8 to 15.
class SpecPlanTest : public ::testing::Test {
 protected:
  SpecPlanTest() {
    builder_.Cpus(2, 4, 2).Memory("0-3", "Normal").Memory("4-7", "Movable");
    limits_ = HostFixture::AnyNumber();
  }

  v1::DevicePlan Plan(const std::string& spec) {
    const v1::NodeSpec wanted = FromText<v1::NodeSpec>(spec);
    const Snapshot snapshot = builder_.Build();
    return PlanSpec({.spec = wanted,
                     .before = before_,
                     .baseline = baseline_,
                     .snapshot = snapshot,
                     .limits = limits_,
                     .drivers = drivers_,
                     .switching = switching_});
  }

  SnapshotBuilder builder_;
  SafetyLimits limits_;
  v1::NodeSpec before_;
  v1::Baseline baseline_;
  DriverSnapshots drivers_;
  bool switching_ = true;
};

TEST_F(SpecPlanTest, NothingToDoHasNoSteps) {
  const v1::DevicePlan plan = Plan("");
  EXPECT_THAT(Steps(plan), IsEmpty());
  EXPECT_EQ(plan.before().cpus(), 16);
  EXPECT_EQ(plan.after().cpus(), 16);
  EXPECT_EQ(plan.after().memory_bytes(), 8 * SnapshotBuilder::kBlockBytes);
}

TEST_F(SpecPlanTest, SaysWhatGoesAndWhyAndWhatIsLeft) {
  const v1::DevicePlan plan = Plan(R"(cpu_offline: "2,10" memory_offline: "6")");
  EXPECT_THAT(Steps(plan),
              ElementsAre("cpu10 offline, by cpu_offline", "cpu2 offline, by cpu_offline",
                          "memory6 offline, by memory_offline"));
  EXPECT_EQ(plan.before().cpus(), 16);
  EXPECT_EQ(plan.after().cpus(), 14);
  EXPECT_EQ(plan.before().memory_bytes() - plan.after().memory_bytes(),
            SnapshotBuilder::kBlockBytes);
}

TEST_F(SpecPlanTest, TheStepThatPassesALimitIsRefusedAndNamesIt) {
  limits_.cpus.min_online = 14;
  const v1::DevicePlan plan = Plan(R"(cpu_offline: "1-3")");
  EXPECT_THAT(Steps(plan),
              ElementsAre("cpu3 offline, by cpu_offline", "cpu2 offline, by cpu_offline",
                          "cpu1 LIMIT_MIN_ONLINE_CPUS"));
  EXPECT_EQ(plan.after().cpus(), 14);
}

TEST_F(SpecPlanTest, SmtTakesItsThreadsAndWhatIsListedBesides) {
  const v1::DevicePlan plan = Plan(R"(smt: SMT_CONTROL_OFF cpu_offline: "3,11")");
  const std::vector<std::string> steps = Steps(plan);
  ASSERT_EQ(steps.size(), 10u);
  EXPECT_EQ(steps.front(), "smt off");
  EXPECT_EQ(steps.back(), "cpu3 offline, by cpu_offline");
  EXPECT_THAT(steps, ::testing::Contains("cpu11 offline, with SMT"));
  EXPECT_EQ(plan.before().cpus(), 16);
  EXPECT_EQ(plan.after().cpus(), 7);
}

TEST_F(SpecPlanTest, AnAmountOfMemoryIsChosen) {
  const v1::DevicePlan plan = Plan(absl::StrCat(
      "memory_offline_bytes: ", 2 * SnapshotBuilder::kBlockBytes, R"( memory_offline: "5")"));
  EXPECT_THAT(Steps(plan), ElementsAre("memory5 offline, by memory_offline",
                                       "memory7 offline, by memory_offline_bytes"));
}

TEST_F(SpecPlanTest, WhatIsReleasedComesBackUnlessItIsLeft) {
  builder_.OfflineCpus("2-3");
  before_ = FromText<v1::NodeSpec>(R"(cpu_offline: "2-3")");
  (*baseline_.mutable_devices())["cpu2"] = v1::DEVICE_STATE_ONLINE;
  (*baseline_.mutable_devices())["cpu3"] = v1::DEVICE_STATE_ONLINE;
  EXPECT_THAT(Steps(Plan(R"(cpu_offline: "3")")),
              ElementsAre("cpu2 online, as it was before Hotplugger changed it"));
  before_.add_leave_on_release("cpu_offline");
  EXPECT_THAT(Steps(Plan(R"(cpu_offline: "3")")), IsEmpty());
}

TEST_F(SpecPlanTest, ACoreGoesWhole) {
  EXPECT_THAT(Steps(Plan(R"(cores_offline: "1-0-2")")),
              ElementsAre("cpu14 offline, by core/1-0-2", "cpu6 offline, by core/1-0-2"));
}

TEST_F(SpecPlanTest, DriversAndTheSwitch) {
  drivers_.resize(2);
  drivers_[0].name = "Alucard";
  drivers_[0].state = v1::DRIVER_STATE_STOPPED;
  drivers_[1].name = "bricked";
  drivers_[1].state = v1::DRIVER_STATE_RUNNING;
  switching_ = false;
  const std::vector<std::string> steps =
      Steps(Plan(R"(switching: SWITCH_ON drivers_active: "alucard" drivers_stopped: "absent")"));
  ASSERT_EQ(steps.size(), 3u);
  EXPECT_EQ(steps[0], "switching on");
  EXPECT_THAT(steps[1], HasSubstr("driver/bricked stopped: "));
  EXPECT_THAT(steps[2], HasSubstr("driver/alucard running"));
  EXPECT_THAT(Steps(Plan(R"(drivers_active: "absent")")),
              ElementsAre("driver DRIVER_NOT_REGISTERED"));
}

// What a host answers to the controller.
class HostSpecPlanTest : public ::testing::Test, protected HostFixture {
 protected:
  absl::StatusOr<v1::PlanSpecResponse> Plan(const v1::NodeSpec& spec) {
    v1::PlanSpecRequest request;
    request.set_body(spec.SerializeAsString());
    return PlanSpecOn(*host, request);
  }
};

TEST_F(HostSpecPlanTest, TouchesNothingAndIsStamped) {
  const auto plan = Plan(FromText<v1::NodeSpec>(R"(cpu_offline: "3" drivers_active: "alucard")"));
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_THAT(Steps(plan->plan()),
              ElementsAre("cpu3 offline, by cpu_offline", HasSubstr("driver/alucard running")));
  EXPECT_EQ(plan->plan().stamp().boot_id(), "boot-1");
  EXPECT_EQ(plan->plan().stamp().inventory_digest().size(), 64u);
  EXPECT_FALSE(Runs("alucard"));
  EXPECT_EQ(host->ReadSnapshot()->cpus.masks.online.size(), 4u);
  EXPECT_THAT(host->state().baseline().devices(), IsEmpty());
}

TEST_F(HostSpecPlanTest, ASpecThatWouldBeRefusedIsSaidToBeSo) {
  const auto plan = Plan(FromText<v1::NodeSpec>(R"(cpu_offline: "x")"));
  EXPECT_EQ(ErrorReason(plan.status()), "BAD_SPEC");
  EXPECT_THAT(std::string(plan.status().message()), HasSubstr("cpu_offline"));
}

// The plan is the agent's truth: a pass does that and nothing else, whatever the host is like.
TEST_F(HostSpecPlanTest, APassDoesWhatWasPlanned) {
  std::mt19937 random(5);
  const auto below = [&random](int bound) {
    return static_cast<int>(random() % static_cast<uint32_t>(bound));
  };
  const std::vector<std::string> drivers = {"alucard", "thermal", "bricked"};
  int steps = 0;
  for (int round = 0; round < 60; ++round) {
    v1::NodeSpec spec;
    if (below(3) > 0) spec.set_cpu_offline(absl::StrCat(1 + below(3)));
    if (below(3) == 0) spec.set_cpu_online_count(1 + below(4));
    if (spec.has_cpu_online_count()) spec.clear_cpu_offline();
    if (below(2) == 0) spec.add_drivers_active(drivers[static_cast<size_t>(below(3))]);
    const auto plan = Plan(spec);
    ASSERT_TRUE(plan.ok()) << plan.status();
    std::set<std::string> planned;
    for (const v1::ItemResult& step : plan->plan().steps()) {
      ASSERT_EQ(step.outcome(), v1::OUTCOME_CHANGED) << step.ShortDebugString();
      planned.insert(step.subject());
    }
    SetSpec(spec);
    PassMemory memory;
    const PassResult result = RunPass(*host, memory, PassOptions());
    std::set<std::string> done;
    for (const v1::ItemResult& item : result.report.items()) {
      if (item.outcome() == v1::OUTCOME_CHANGED) done.insert(item.subject());
    }
    for (const std::string& subject : done) {
      // The kernel's choice among its own drivers is announced as such.
      const bool noted = absl::StrContains(absl::StrJoin(plan->plan().notes(), ";"), subject);
      ASSERT_TRUE(planned.count(subject) > 0 || noted)
          << subject << " in round " << round << ": " << spec.ShortDebugString();
    }
    for (const std::string& subject : planned) {
      ASSERT_GT(done.count(subject), 0u) << subject << " in round " << round;
    }
    ASSERT_EQ(static_cast<int>(host->ReadSnapshot()->cpus.masks.online.size()),
              plan->plan().after().cpus());
    steps += static_cast<int>(done.size());
  }
  EXPECT_GT(steps, 60);
}

}  // namespace
}  // namespace hotplugger::agent
