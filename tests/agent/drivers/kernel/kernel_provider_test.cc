#include "agent/drivers/kernel/kernel_provider.h"

#include <cerrno>

#include "agent/devices/inventory/file_tree.h"
#include "tests/agent/drivers/registry_fixture.h"
#include "tests/fakes/fake_kernel_hotplugger.h"
#include "tests/fakes/temp_dir.h"

namespace hotplugger::agent {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class KernelProviderTest : public RegistryTest {
 protected:
  void SetUp() override {
    auto tree = FileTree::Open(directory_.path());
    ASSERT_EQ(tree.status(), absl::OkStatus());
    tree_ = *std::move(tree);
    provider_ = std::make_unique<KernelDriverProvider>(*tree_, kernel_);
  }

  SyncResult Sync() {
    const absl::StatusOr<SyncResult> result = registry_.SyncProvider(*provider_);
    EXPECT_EQ(result.status(), absl::OkStatus());
    return result.ok() ? *result : SyncResult();
  }

  void Load(const std::vector<FakeKernelHotplugger::Driver>& drivers) {
    for (const FakeKernelHotplugger::Driver& driver : drivers) kernel_.Load(driver);
    Sync();
  }

  testing::TempDir directory_;
  FakeKernelHotplugger kernel_{directory_.path()};
  std::unique_ptr<FileTree> tree_;
  std::unique_ptr<KernelDriverProvider> provider_;
};

TEST_F(KernelProviderTest, AHostWithoutTheDirectoryHasNoDriversAndNoError) {
  kernel_.Remove();
  EXPECT_THAT(Sync().added, IsEmpty());
  EXPECT_THAT(registry_.List(), IsEmpty());
}

TEST_F(KernelProviderTest, ADirectoryWithoutItsListIsAnErrorAndAllStays) {
  Load({{.name = "alucard"}});
  directory_.Remove("sys/kernel/hotplugger/available_drivers");
  EXPECT_FALSE(registry_.SyncProvider(*provider_).ok());
  EXPECT_THAT(Listed(), ElementsAre("alucard"));
  EXPECT_THAT(registry_.Warnings(), ElementsAre(HasSubstr("PROVIDER_FAILED: whether there are "
                                                          "other drivers of the kind kernel")));
  kernel_.Load({.name = "thermal"});
  Sync();
  EXPECT_THAT(registry_.Warnings(), IsEmpty());
}

TEST_F(KernelProviderTest, ConflictsAreAskedOfTheListAsItIsNow) {
  Add("load");
  Load({{.name = "alucard"}});
  kernel_.Load({.name = "late", .running = true});
  const auto conflicts = registry_.RunningConflicts("load");
  ASSERT_EQ(conflicts.status(), absl::OkStatus());
  EXPECT_THAT(*conflicts, ElementsAre("late"));
}

// Nobody who asks the provider in the meantime, before its owner has said it for good, brings it
// back.
TEST_F(KernelProviderTest, WhatIsUnregisteredStaysAwayAtOnce) {
  Load({{.name = "alucard", .running = true}, {.name = "thermal"}});
  EXPECT_EQ(registry_.Unregister("Alucard", Deadline()).status, absl::OkStatus());
  EXPECT_THAT(Sync().added, IsEmpty());
  EXPECT_THAT(Listed(), ElementsAre("thermal"));
  EXPECT_THAT(registry_.Unregistered(), ElementsAre("alucard"));
  registry_.SetUnregistered({});
  EXPECT_THAT(Sync().added, ElementsAre("alucard"));
}

TEST_F(KernelProviderTest, ListsWhatTheKernelShows) {
  Load({{.name = "alucard", .running = true}, {.name = "mpdecision"}});
  const std::vector<v1::Driver> drivers = registry_.List();
  ASSERT_EQ(drivers.size(), 2u);
  EXPECT_EQ(drivers[0].state(), v1::DRIVER_STATE_RUNNING);
  EXPECT_EQ(drivers[0].provider(), v1::DRIVER_PROVIDER_KERNEL);
  EXPECT_FALSE(drivers[0].whitelist_known());
  EXPECT_EQ(drivers[1].state(), v1::DRIVER_STATE_STOPPED);
}

TEST_F(KernelProviderTest, ModulesComeAndGo) {
  Load({{.name = "alucard"}, {.name = "mpdecision"}});
  kernel_.Unload("alucard");
  kernel_.Load({.name = "thermal"});
  EXPECT_EQ(registry_.List()[0].state(), v1::DRIVER_STATE_UNKNOWN) << "until it is noticed";
  EXPECT_EQ(ErrorReason(registry_.DisableOne("alucard", Deadline()).status), "DRIVER_VANISHED");
  EXPECT_EQ(ErrorReason(registry_.SwitchDrivers({}, {"alucard"}, Deadline()).status),
            "DRIVER_STATE_UNKNOWN");
  const SyncResult result = Sync();
  EXPECT_THAT(result.added, ElementsAre("thermal"));
  EXPECT_THAT(result.removed, ElementsAre("alucard"));
  kernel_.Load({.name = "alucard"});
  Sync();
  EXPECT_THAT(Listed(), ElementsAre("mpdecision", "thermal", "alucard"));
}

TEST_F(KernelProviderTest, SharesOneNameSpaceWithTheAgentsOwn) {
  Add("Thermal");
  Load({{.name = "thermal"}});
  EXPECT_THAT(Listed(), ElementsAre("Thermal"));
  EXPECT_THAT(registry_.Warnings(), ElementsAre(HasSubstr("registered already")));
  Sync();
  EXPECT_THAT(Listed(), ElementsAre("Thermal")) << "the agent's own is not the kernel's to drop";
}

TEST_F(KernelProviderTest, StartsAndStops) {
  Load({{.name = "alucard"}});
  EXPECT_EQ(registry_.EnableOne("alucard", Deadline()).status, absl::OkStatus());
  EXPECT_TRUE(kernel_.Find("alucard")->running);
  EXPECT_EQ(registry_.DisableOne("alucard", Deadline()).status, absl::OkStatus());
  EXPECT_FALSE(kernel_.Find("alucard")->running);
}

TEST_F(KernelProviderTest, TellsWhatTheKernelStoppedAlong) {
  Load({{.name = "alucard", .whitelist = {"thermal"}},
        {.name = "thermal", .whitelist = {"alucard"}, .running = true},
        {.name = "mpdecision", .running = true}});
  const SwitchResult result = registry_.SwitchDrivers({"alucard"}, {}, Deadline());
  EXPECT_EQ(result.status, absl::OkStatus());
  EXPECT_THAT(Outcomes(result), ElementsAre("driver/alucard CHANGED", "driver/thermal ALREADY",
                                            "driver/mpdecision CHANGED"));
  EXPECT_EQ(Message(result, "mpdecision"),
            "stopped by the kernel as alucard started; the kernel's own whitelists can't be read");
  EXPECT_THAT(Message(result, "thermal"), HasSubstr("the kernel decides"));
}

TEST_F(KernelProviderTest, AnActiveOneThatTheKernelStopsIsAFailureAndAllIsUndone) {
  Load({{.name = "before", .running = true}, {.name = "alucard"}, {.name = "thermal"}});
  const SwitchResult result = registry_.SwitchDrivers({"alucard", "thermal"}, {}, Deadline());
  EXPECT_EQ(ErrorReason(result.status), "STOPPED_BY_KERNEL");
  EXPECT_THAT(std::string(result.status.message()),
              AllOf(HasSubstr("the kernel stopped alucard as thermal started"),
                    HasSubstr("before was started again")));
  EXPECT_THAT(Running(), ElementsAre("before"));
}

TEST_F(KernelProviderTest, StopsTheAgentsOwnWhereTheKernelsWhitelistCannotBeRead) {
  Add("load", Names{"*"}, true);
  Load({{.name = "alucard"}});
  const SwitchResult result = registry_.EnableOne("alucard", Deadline());
  EXPECT_THAT(Running(), ElementsAre("alucard"));
  EXPECT_THAT(Message(result, "load"), HasSubstr("set drivers.whitelist.alucard in the policy"));
}

TEST_F(KernelProviderTest, AlreadySoIsSuccessThoughTheKernelAnswersEfault) {
  Load({{.name = "alucard", .running = true}});
  const std::vector<std::shared_ptr<HotplugDriver>> drivers = provider_->Refresh()->drivers;
  EXPECT_EQ(drivers[0]->ChangeState(true, Deadline()), absl::OkStatus());
  EXPECT_EQ(kernel_.writes(), 1);
}

TEST_F(KernelProviderTest, EfaultOfADriverThatCannotBeSwitched) {
  Load({{.name = "alucard", .has_change_state = false}});
  const SwitchResult result = registry_.EnableOne("alucard", Deadline());
  EXPECT_EQ(ErrorReason(result.status), "NO_CHANGE_STATE");
  EXPECT_EQ(result.items[0].error_number(), EFAULT);
}

TEST_F(KernelProviderTest, EpermNamesTheKernelsOwnSwitch) {
  Load({{.name = "alucard"}});
  kernel_.set_enabled(false);
  const SwitchResult result = registry_.EnableOne("alucard", Deadline());
  EXPECT_EQ(ErrorReason(result.status), "KERNEL_SWITCHING_OFF");
  EXPECT_THAT(std::string(result.status.message()), HasSubstr("/kernel/hotplugger/enabled"));
}

TEST_F(KernelProviderTest, EpermWithTheSwitchOnIsTheDriversOwn) {
  Load({{.name = "alucard", .start_error = EPERM}});
  EXPECT_EQ(ErrorReason(registry_.EnableOne("alucard", Deadline()).status), "DRIVER_FAILED");
}

TEST_F(KernelProviderTest, EinvalOfADriverThatIsGone) {
  Load({{.name = "alucard"}});
  const std::vector<std::shared_ptr<HotplugDriver>> drivers = provider_->Refresh()->drivers;
  kernel_.Unload("alucard");
  EXPECT_EQ(ErrorReason(drivers[0]->ChangeState(true, Deadline())), "DRIVER_VANISHED");
}

TEST_F(KernelProviderTest, TheDriversOwnErrorIsToldWithItsNumber) {
  Load({{.name = "alucard", .start_error = EBUSY}});
  const SwitchResult result = registry_.EnableOne("alucard", Deadline());
  EXPECT_EQ(ErrorReason(result.status), "DRIVER_FAILED");
  EXPECT_THAT(std::string(result.status.message()), HasSubstr("EBUSY"));
  EXPECT_EQ(result.items[0].error_number(), EBUSY);
  EXPECT_EQ(result.items[0].retry(), v1::RETRY_CLASS_TRANSIENT);
}

TEST_F(KernelProviderTest, WhatTheKernelStoppedBeforeItFailedIsStartedAgain) {
  Load({{.name = "alucard", .start_error = EIO},
        {.name = "mpdecision", .running = true},
        {.name = "thermal", .whitelist = {"mpdecision"}}});
  const SwitchResult result = registry_.SwitchDrivers({"alucard"}, {}, Deadline());
  EXPECT_THAT(Outcomes(result), ElementsAre("driver/alucard FAILED", "driver/mpdecision UNDONE"));
  EXPECT_THAT(Running(), ElementsAre("mpdecision"));
}

TEST_F(KernelProviderTest, ADriverThatSaysYesAndDoesNot) {
  Load({{.name = "alucard", .lies = true}});
  const SwitchResult result = registry_.EnableOne("alucard", Deadline());
  EXPECT_EQ(ErrorReason(result.status), "DRIVER_DID_NOT_CHANGE");
  EXPECT_THAT(std::string(result.status.message()), HasSubstr("still shows it stopped"));
}

TEST_F(KernelProviderTest, ANameThatTheKernelWouldCutIsNeverWritten) {
  const std::string longest(31, 'x');
  Load({{.name = longest}, {.name = longest.substr(0, 30)}});
  const SwitchResult result = registry_.EnableOne(longest, Deadline());
  EXPECT_EQ(ErrorReason(result.status), "NAME_TOO_LONG_FOR_KERNEL");
  EXPECT_EQ(kernel_.writes(), 0);
  EXPECT_EQ(registry_.EnableOne(longest.substr(0, 30), Deadline()).status, absl::OkStatus());
}

TEST_F(KernelProviderTest, AStuckWriterIsAFailureOfTheSwitch) {
  Load({{.name = "alucard"}});
  kernel_.set_next_answer(
      MakeError(absl::StatusCode::kDeadlineExceeded, "STUCK", "no answer in time"));
  const SwitchResult result = registry_.EnableOne("alucard", Deadline());
  EXPECT_EQ(ErrorReason(result.status), "STUCK");
  EXPECT_THAT(Outcomes(result), ElementsAre("driver/alucard FAILED"));
}

TEST_F(KernelProviderTest, ACutListIsWarnedOfAndDropsNobody) {
  Load({{.name = "first"}, {.name = "last"}});
  kernel_.Unload("last");
  for (int i = 0; i < 200; ++i) {
    kernel_.Load({.name = absl::StrCat("filler", 1000 + i, std::string(18, 'x'))});
  }
  kernel_.Load({.name = "last"});
  const SyncResult result = Sync();
  EXPECT_THAT(result.removed, IsEmpty());
  EXPECT_THAT(registry_.Warnings(), ElementsAre(HasSubstr("DRIVER_LIST_CUT")));
  const std::vector<v1::Driver> drivers = registry_.List();
  ASSERT_GT(drivers.size(), 100u);
  EXPECT_EQ(drivers[1].name(), "last");
  EXPECT_EQ(drivers[1].state(), v1::DRIVER_STATE_UNKNOWN);
  EXPECT_THAT(drivers[1].detail(), HasSubstr("may be cut"));
  // Whether it was stopped already can't be told, and isn't claimed.
  EXPECT_EQ(ErrorReason(registry_.DisableOne("last", Deadline()).status), "DRIVER_LIST_CUT");
  EXPECT_EQ(registry_.Unregister("last", Deadline()).status, absl::OkStatus());
  for (const v1::Driver& driver : drivers) {
    EXPECT_TRUE(driver.name().size() == 28 || driver.name().size() <= 5) << driver.name();
  }
}

}  // namespace
}  // namespace hotplugger::agent
