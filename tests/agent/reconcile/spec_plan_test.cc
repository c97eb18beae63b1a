#include "agent/reconcile/spec_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "agent/reconcile/host_spec_plan.h"
#include "agent/reconcile/pass.h"
#include "agent/reconcile/release.h"
#include "common/cpu_list.h"
#include "common/error_info.h"
#include "common/version.h"
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
  switching_ = true;
  EXPECT_THAT(Steps(Plan(R"(drivers_active: "absent")")),
              ElementsAre("driver DRIVER_NOT_REGISTERED"));
}

// Stopped since, and to be released; and one that runs.
TEST_F(SpecPlanTest, WhereSwitchingStaysOffNoDriverIsSwitched) {
  drivers_.resize(2);
  drivers_[0].name = "alucard";
  drivers_[0].state = v1::DRIVER_STATE_STOPPED;
  drivers_[1].name = "bricked";
  drivers_[1].state = v1::DRIVER_STATE_RUNNING;
  (*baseline_.mutable_drivers())["alucard"] = v1::DRIVER_STATE_RUNNING;
  const std::string release = "driver/alucard running";
  const std::string active = R"(drivers_active: "alucard")";
  switching_ = false;
  EXPECT_THAT(Steps(Plan("")), IsEmpty()) << "the release waits";
  EXPECT_THAT(Steps(Plan(active)), ElementsAre("driver SWITCHING_OFF"));
  EXPECT_THAT(Steps(Plan(active + " switching: SWITCH_OFF")), ElementsAre("driver SWITCHING_OFF"));
  baseline_.set_switching(v1::SWITCH_ON);
  EXPECT_THAT(Steps(Plan("")), ElementsAre("switching on", HasSubstr(release)));
}

TEST_F(SpecPlanTest, WhatIsToBeForbiddenIsDoneBefore) {
  drivers_.resize(1);
  drivers_[0].name = "alucard";
  drivers_[0].state = v1::DRIVER_STATE_STOPPED;
  EXPECT_THAT(Steps(Plan(R"(drivers_active: "alucard" switching: SWITCH_OFF)")),
              ElementsAre(HasSubstr("driver/alucard running"), "switching off"));
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

TEST_F(HostSpecPlanTest, WhatWasGivenUpIsRefusedTooUntilAnotherAgentStarts) {
  const v1::NodeSpec spec = FromText<v1::NodeSpec>(R"(cpu_offline: "3")");
  v1::AgentState state = host->state();
  state.mutable_rejected()->set_digest(Sha256Hex(spec.SerializeAsString()));
  state.mutable_rejected()->set_message("cut off");
  state.mutable_rejected()->set_agent_version(kVersion);
  ASSERT_TRUE(host->SaveState(state).ok());
  Boot("boot-1");
  EXPECT_EQ(ErrorReason(Plan(spec).status()), "BAD_SPEC");
  EXPECT_THAT(std::string(Plan(spec).status().message()), HasSubstr("cut off"));
  state.mutable_rejected()->set_agent_version("another");
  ASSERT_TRUE(host->SaveState(state).ok());
  Boot("boot-1");
  EXPECT_TRUE(Plan(spec).ok());
}

// A host, and specs of all kinds for it.
class RandomHost : public HostFixture {
 public:
  RandomHost(SafetyLimits limits, uint32_t seed)
      : HostFixture(std::move(limits), {.cpus = 8, .threads_per_core = 2, .blocks = "nkmmmmmm"}),
        random_(seed) {}

  v1::NodeSpec AnySpec() {
    v1::NodeSpec spec;
    AddCpus(&spec);
    AddMemory(&spec);
    AddDrivers(&spec);
    for (const char* setting :
         {"cpu_offline", "cores_offline", "cpu_online_count", "smt", "memory_offline",
          "memory_offline_bytes", "drivers_active", "drivers_stopped", "switching"}) {
      if (OneIn(4)) spec.add_leave_on_release(setting);
      if (OneIn(4)) spec.add_report_drift_of(setting);
    }
    return spec;
  }

  // As when it is pushed.
  PassResult Apply(const v1::NodeSpec& spec) {
    const v1::Baseline left =
        ForgetLeft(host->state().baseline(), *host->Spec(), spec, *host->ReadSnapshot());
    host->KeepBaseline(left);
    SetSpec(spec);
    PassMemory memory;
    return RunPass(*host, memory, PassOptions());
  }

 private:
  int Below(int bound) { return static_cast<int>(random_() % static_cast<uint32_t>(bound)); }
  bool OneIn(int bound) { return Below(bound) == 0; }

  void AddCpus(v1::NodeSpec* spec) {
    NumberSet online;
    NumberSet offline;
    for (int cpu = 1; cpu < 8; ++cpu) {
      const int choice = Below(5);
      if (choice == 0) offline.insert(cpu);
      if (choice == 1) online.insert(cpu);
    }
    if (OneIn(2)) spec->set_cpu_offline(FormatNumberList(offline));
    if (OneIn(3)) spec->set_cpu_online(FormatNumberList(online));
    if (OneIn(4)) spec->set_cpu_online_count(1 + Below(8));
    if (!spec->has_cpu_online_count() && OneIn(4)) spec->set_cpu_online_percent(10 + Below(90));
    if (OneIn(4)) spec->add_cores_offline(absl::StrCat("0-0-", 1 + Below(2)));
    if (OneIn(4)) spec->add_cores_online(absl::StrCat("0-0-", 3 + Below(2)));
    if (OneIn(4)) spec->set_smt(OneIn(2) ? v1::SMT_CONTROL_ON : v1::SMT_CONTROL_OFF);
  }

  void AddMemory(v1::NodeSpec* spec) {
    if (OneIn(3)) spec->set_memory_offline(absl::StrCat(2 + Below(3)));
    if (OneIn(4)) spec->set_memory_online(absl::StrCat(5 + Below(3)));
    if (OneIn(3)) spec->set_memory_offline_bytes(uint64_t(1 + Below(5)) << 27);
  }

  void AddDrivers(v1::NodeSpec* spec) {
    for (const char* driver : {"alucard", "thermal", "bricked", "absent"}) {
      const int choice = Below(8);
      // That bricked spares nobody only the kernel knows, until it is tried.
      const bool known = driver != absl::string_view("bricked") || spec->drivers_active().empty();
      if (choice == 0 && known) spec->add_drivers_active(driver);
      if (choice == 1) spec->add_drivers_stopped(driver);
    }
    if (OneIn(4)) spec->set_switching(OneIn(2) ? v1::SWITCH_ON : v1::SWITCH_OFF);
  }

  std::mt19937 random_;
};

bool IsOf(const v1::ItemResult& item, const v1::ItemResult& step) {
  // A set of drivers is planned as one, and reported by each.
  const bool set = step.subject() == "driver" && absl::StartsWith(item.subject(), "driver/");
  return (set || item.subject() == step.subject()) && item.outcome() == step.outcome() &&
         item.reason() == step.reason();
}

bool IsAmong(const v1::ItemResult& item, const PassResult& result) {
  const auto& items = result.report.items();
  return std::any_of(items.begin(), items.end(),
                     [&item](const v1::ItemResult& done) { return IsOf(done, item); });
}

bool IsPlanned(const v1::ItemResult& done, const v1::DevicePlan& plan) {
  // The kernel's choice among its own drivers is announced as such.
  return absl::StrContains(absl::StrJoin(plan.notes(), ";"), done.subject()) ||
         std::any_of(plan.steps().begin(), plan.steps().end(),
                     [&done](const v1::ItemResult& step) { return IsOf(done, step); });
}

// What a pass finds out on its way: blocks that it tries in place of one that can't go, and that it
// came to less; CPUs that come with SMT and go again at once.
bool IsOnTheWay(const v1::ItemResult& done, const v1::NodeSpec& spec) {
  if (absl::StrContains(done.message(), "taken offline again")) return true;
  return spec.has_memory_offline_bytes() && absl::StartsWith(done.subject(), "memory") &&
         done.outcome() != v1::OUTCOME_CHANGED;
}

// The plan is the agent's truth: a pass does that and nothing else, and refuses the same for the
// same reason, whatever the host is like.
TEST(SpecPlanOfAnyHostTest, APassDoesWhatWasPlanned) {
  SafetyLimits tight = HostFixture::AnyNumber();
  tight.cpus.min_online = 4;
  tight.memory.min_online_percent = 60;
  tight.protected_devices = {"cpu5"};
  int changed = 0;
  int refused = 0;
  for (uint32_t seed = 0; seed < 6; ++seed) {
    RandomHost random(seed % 2 == 0 ? HostFixture::AnyNumber() : tight, seed);
    for (int round = 0; round < 12; ++round) {
      const v1::NodeSpec spec = random.AnySpec();
      const std::string where =
          absl::StrCat("seed ", seed, ", round ", round, ": ", spec.ShortDebugString());
      v1::PlanSpecRequest request;
      request.set_body(spec.SerializeAsString());
      const auto planned = PlanSpecOn(*random.host, request);
      ASSERT_TRUE(planned.ok()) << planned.status() << where;
      const v1::DevicePlan& plan = planned->plan();
      const PassResult result = random.Apply(spec);
      for (const v1::ItemResult& step : plan.steps()) {
        // A report has no item of the registry's switch.
        if (step.subject() == "switching") {
          ASSERT_EQ(random.host->drivers().switching(), step.message() == "on") << where;
          continue;
        }
        ASSERT_TRUE(IsAmong(step, result))
            << step.ShortDebugString() << " was not done, " << where << "\n"
            << result.report.DebugString();
        ++(step.outcome() == v1::OUTCOME_CHANGED ? changed : refused);
      }
      for (const v1::ItemResult& done : result.report.items()) {
        if (done.outcome() == v1::OUTCOME_ALREADY || IsOnTheWay(done, spec)) continue;
        ASSERT_TRUE(IsPlanned(done, plan))
            << done.ShortDebugString() << " was not planned, " << where << "\n"
            << plan.DebugString();
      }
      ASSERT_EQ(static_cast<int>(random.host->ReadSnapshot()->cpus.masks.online.size()),
                plan.after().cpus())
          << where;
    }
  }
  EXPECT_GT(changed, 150);
  EXPECT_GT(refused, 20);
}

}  // namespace
}  // namespace hotplugger::agent
