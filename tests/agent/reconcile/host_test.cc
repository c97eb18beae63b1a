#include "agent/reconcile/host.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "agent/reconcile/pass.h"
#include "agent/reconcile/spec_keeper.h"
#include "agent/reconcile/spec_trial.h"
#include "common/error_info.h"
#include "tests/agent/reconcile/host_fixture.h"
#include "tests/fakes/fake_controller_link.h"
#include "tests/fakes/own_mounts.h"
#include "tests/fakes/proto_text.h"

namespace hotplugger::agent {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class HostTest : public ::testing::Test, protected HostFixture {
 protected:
  std::vector<std::string> Conditions() {
    v1::Inventory inventory;
    host->TellConditions(&inventory);
    std::vector<std::string> types;
    message_ = inventory.conditions().empty() ? "" : inventory.conditions(0).message();
    for (const v1::NodeCondition& condition : inventory.conditions()) {
      EXPECT_EQ(condition.since_time().seconds(), 1'700'000'000);
      types.push_back(condition.type());
    }
    return types;
  }

  void FillDisk() {
    store.SetFailure(MakeError(absl::StatusCode::kResourceExhausted, "ENOSPC", "no space left"));
  }
  void FreeDisk() { store.SetFailure(absl::OkStatus()); }

  PassResult Pass() {
    PassMemory memory;
    return RunPass(*host, memory, {});
  }

  void TakeCpu3Offline() {
    v1::NodeSpec spec;
    spec.set_cpu_offline("3");
    SetSpec(spec);
    EXPECT_EQ(Pass().report.state(), v1::APPLY_STATE_APPLIED);
    EXPECT_EQ(fake.online(), (CpuSet{0, 1, 2}));
  }

  std::string message_;
};

TEST_F(HostTest, AFirstStartHasNoCondition) {
  EXPECT_THAT(Conditions(), IsEmpty());
  Boot("boot-1");
  EXPECT_THAT(Conditions(), IsEmpty());
}

TEST_F(HostTest, WhatCannotBeSavedIsAConditionUntilItCan) {
  v1::Baseline baseline = host->state().baseline();
  baseline.set_cpus_seen_online("0-3");
  FillDisk();
  host->KeepBaseline(baseline);
  EXPECT_EQ(host->state().baseline().cpus_seen_online(), "0-3");
  EXPECT_THAT(Conditions(), ElementsAre("STATE_NOT_SAVED"));
  EXPECT_THAT(message_, AllOf(HasSubstr("no space left"), HasSubstr("free space")));
  host->RetrySaving();
  EXPECT_THAT(Conditions(), ElementsAre("STATE_NOT_SAVED"));
  FreeDisk();
  host->RetrySaving();
  EXPECT_THAT(Conditions(), IsEmpty());
  EXPECT_EQ(store.saved.baseline().cpus_seen_online(), "0-3");
}

TEST_F(HostTest, OtherPartsOfTheAgentMayFindConditionsToo) {
  host->SetCondition("METRICS_NOT_SERVED", "the port is in use");
  EXPECT_THAT(Conditions(), ElementsAre("METRICS_NOT_SERVED"));
  EXPECT_EQ(message_, "the port is in use");
  host->ClearCondition("METRICS_NOT_SERVED");
  EXPECT_THAT(Conditions(), IsEmpty());
}

// Before the first write fails.
TEST(HostMountsTest, AReadOnlySysIsACondition) {
  struct Case {
    const char* folder;
    // Which folders are told of, and what is not switched there.
    bool cpu;
    bool memory;
  };
  class ReadOnlyHost : private HostFixture {
   public:
    ReadOnlyHost() : HostFixture(AnyNumber(), {.blocks = "km"}) {}
    bool Check(const Case& told) {
      const std::string path = fake.dir().Path(told.folder);
      return Types().empty() && testing::MountReadOnly(path) &&
             Types() == std::vector<std::string>{"SYSFS_READ_ONLY"} &&
             Tells("sys/devices/system/cpu", "no CPU", told.cpu) &&
             Tells("sys/devices/system/memory", "no memory block", told.memory) &&
             umount(path.c_str()) == 0 && Types().empty();
    }

   private:
    std::vector<std::string> Types() {
      v1::Inventory inventory;
      host->TellConditions(&inventory);
      std::vector<std::string> types;
      for (const v1::NodeCondition& condition : inventory.conditions()) {
        types.push_back(condition.type());
        message_ = condition.message();
      }
      return types;
    }
    bool Tells(const char* folder, const char* devices, bool expected) {
      return absl::StrContains(message_, fake.dir().Path(folder)) == expected &&
             absl::StrContains(message_, devices) == expected;
    }
    std::string message_;
  };
  for (const Case& told : {Case{"sys", true, true}, Case{"sys/devices/system/cpu", true, false},
                           Case{"sys/devices/system/memory", false, true}}) {
    const testing::InOwnMounts result =
        testing::RunInOwnMounts([&told] { return ReadOnlyHost().Check(told); });
    if (result == testing::InOwnMounts::kNotPermitted) {
      GTEST_SKIP() << "no mounts of its own are allowed here";
    }
    EXPECT_EQ(result, testing::InOwnMounts::kTrue) << told.folder;
  }
}

TEST_F(HostTest, SoIsAJournalThatCannotBeWritten) {
  BreakJournal();
  Boot("boot-1");
  EXPECT_THAT(Conditions(), ElementsAre("STATE_NOT_SAVED"));
  EXPECT_THAT(message_, HasSubstr("journal.new"));
  MendJournal();
  host->RetrySaving();
  EXPECT_THAT(Conditions(), IsEmpty());
}

TEST_F(HostTest, APassOnAFullDiskDoesWhatTheSpecSaysAndIsWrittenDownLater) {
  v1::NodeSpec spec;
  spec.set_cpu_offline("3");
  SetSpec(spec);
  BreakJournal();
  Boot("boot-2");
  FillDisk();
  const PassResult result = Pass();
  EXPECT_EQ(result.report.state(), v1::APPLY_STATE_APPLIED) << result.report.message();
  EXPECT_EQ(fake.online(), (CpuSet{0, 1, 2}));
  ASSERT_TRUE(result.inventory);
  ASSERT_EQ(result.inventory->conditions_size(), 1);
  EXPECT_EQ(result.inventory->conditions(0).type(), "STATE_NOT_SAVED");
  EXPECT_EQ(store.saved.baseline().boot_id(), "boot-1");
  FreeDisk();
  MendJournal();
  host->RetrySaving();
  Boot("boot-2");
  EXPECT_EQ(host->state().baseline().devices().at("cpu3"), v1::DEVICE_STATE_ONLINE);
  EXPECT_EQ(host->devices().journal().TakenOfflineBy("cpu3"), OperationOrigin::kDecision);
}

TEST_F(HostTest, TheSwitchThatTheSpecWantsIsSetOnAFullDiskAPersonsIsNot) {
  FillDisk();
  EXPECT_EQ(ErrorReason(host->SetSwitching(false)), "ENOSPC");
  EXPECT_TRUE(host->drivers().switching());
  host->EnforceSwitching(false);
  EXPECT_FALSE(host->drivers().switching());
  EXPECT_EQ(host->state().switching(), v1::SWITCH_OFF);
}

TEST_F(HostTest, ALostStateIsRebuiltFromTheJournalSoThatReleasePutsBack) {
  TakeCpu3Offline();
  store.damage = MakeError(absl::StatusCode::kDataLoss, "STATE_DAMAGED", "state is damaged");
  Boot("boot-1");
  EXPECT_THAT(Conditions(), ElementsAre("BASELINE_REBUILT"));
  EXPECT_THAT(message_, HasSubstr("cpu3"));
  EXPECT_EQ(host->state().spec_digest(), "");
  // What is held must not come back for a file that was lost: the controller knows the spec.
  Pass();
  EXPECT_EQ(fake.online(), (CpuSet{0, 1, 2}));
  Boot("boot-1");
  EXPECT_THAT(Conditions(), IsEmpty()) << "it was saved meanwhile";
  Pass();
  EXPECT_EQ(fake.online(), (CpuSet{0, 1, 2})) << "no controller has been heard yet";
  v1::Spec spec;
  spec.set_digest("of nothing");
  ASSERT_TRUE(
      host->SaveState(TakeInForce(host->state(), spec, std::nullopt, host->state().baseline()))
          .ok());
  Pass();
  EXPECT_EQ(fake.online(), (CpuSet{0, 1, 2, 3}));
}

TEST_F(HostTest, WithoutAJournalWhatIsOfflineStaysSoAndThatIsSaid) {
  TakeCpu3Offline();
  store.damage = MakeError(absl::StatusCode::kDataLoss, "STATE_DAMAGED", "state is damaged");
  RemoveJournal();
  Boot("boot-1");
  EXPECT_THAT(Conditions(), ElementsAre("BASELINE_LOST"));
  Pass();
  EXPECT_EQ(fake.online(), (CpuSet{0, 1, 2}));
}

// The spec that came instead cut the host off: what was held before must not come back for that.
TEST_F(HostTest, ALostSpecIsNotReleasedWhereTheNextOneIsGivenUp) {
  TakeCpu3Offline();
  store.damage = MakeError(absl::StatusCode::kDataLoss, "STATE_DAMAGED", "state is damaged");
  Boot("boot-1");
  v1::NodeSpec body;
  body.set_cpu_offline("2-3");
  v1::Spec spec;
  spec.set_body(body.SerializeAsString());
  spec.set_digest(Sha256Hex(spec.body()));
  const v1::AgentState taken =
      TakeInForce(host->state(), spec, absl::Seconds(30), host->state().baseline());
  ASSERT_TRUE(host->SaveState(taken).ok());
  Pass();
  EXPECT_EQ(fake.online(), (CpuSet{0, 1}));
  host->KeepState(Revert(host->state(), host->agent_version()));
  Pass();
  Boot("boot-1");
  Pass();
  EXPECT_EQ(fake.online(), (CpuSet{0, 1}));
  EXPECT_EQ(host->state().rejected().digest(), spec.digest());
}

TEST_F(HostTest, ARestoredStateDoesNotBringBackWhatWasLeft) {
  testing::FakeControllerLink link;
  SpecKeeper keeper(*host, link, absl::Seconds(1));
  uint64_t epoch = 0;
  const auto take = [&](const std::string& body) {
    v1::Spec spec;
    spec.set_body(testing::FromText<v1::NodeSpec>(body).SerializeAsString());
    spec.set_digest(Sha256Hex(spec.body()));
    ASSERT_TRUE(keeper.Take({spec, {++epoch}}).ok());
    Pass();
  };
  take("cpu_offline: '3' leave_on_release: 'cpu_offline'");
  take("");
  EXPECT_EQ(fake.online(), (CpuSet{0, 1, 2})) << "left as it was";
  // So that it is the file before the last that knows.
  ASSERT_TRUE(host->SaveState(host->state()).ok());
  store.damage = MakeError(absl::StatusCode::kDataLoss, "STATE_DAMAGED", "state is damaged");
  store.previous_is_left = true;
  Boot("boot-1");
  EXPECT_THAT(Conditions(), ElementsAre("STATE_RESTORED"));
  Pass();
  EXPECT_EQ(fake.online(), (CpuSet{0, 1, 2}));
}

}  // namespace
}  // namespace hotplugger::agent
