// Each driver that is to be started or stopped is counted once, whoever asks.
#include "tests/agent/drivers/registry_fixture.h"
#include "tests/fakes/counted.h"

namespace hotplugger::agent {
namespace {

using testing::CountedDurations;
using testing::CountedOperations;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class RegistryCountsTest : public RegistryTest {
 protected:
  std::vector<std::string> Operations() { return CountedOperations(counters_); }
};

TEST_F(RegistryCountsTest, EachOutcomeOnce) {
  Add("a");
  Add("b")->set_start_answer(absl::InternalError("broken"));
  EXPECT_TRUE(registry_.EnableOne("a", Deadline()).status.ok());
  EXPECT_TRUE(registry_.EnableOne("a", Deadline()).status.ok());
  EXPECT_FALSE(registry_.EnableOne("gone", Deadline()).status.ok());
  EXPECT_FALSE(registry_.SwitchDrivers({"b"}, {}, Deadline()).status.ok());
  EXPECT_TRUE(registry_.DisableOne("a", Deadline()).status.ok());
  EXPECT_THAT(Operations(), ElementsAre("driver start changed 1", "driver start already 1",
                                        "driver start refused DRIVER_NOT_REGISTERED 1",
                                        "driver start failed OTHER 1", "driver stop changed 1",
                                        "driver stop undone SWITCH_FAILED 1"));
  // a; b, which stopped a before, and both put back; a again.
  EXPECT_THAT(CountedDurations(counters_), ElementsAre("driver start 3", "driver stop 2"));
}

TEST_F(RegistryCountsTest, WhatAFailedSwitchDidNotReachIsSkipped) {
  Add("a", Names{"b"})->set_start_answer(absl::InternalError("broken"));
  Add("b", Names{"a"});
  const SwitchResult result = registry_.SwitchDrivers({"a", "b"}, {}, Deadline());
  EXPECT_FALSE(result.status.ok());
  EXPECT_THAT(Outcomes(result), ElementsAre("driver/a FAILED", "driver/b SKIPPED"));
  EXPECT_EQ(result.items[1].reason(), "SWITCH_FAILED");
  EXPECT_EQ(Message(result, "b"), "not tried: the switch failed before it was started, at a");
  EXPECT_THAT(Operations(),
              ElementsAre("driver start failed OTHER 1", "driver start skipped SWITCH_FAILED 1"));
  EXPECT_THAT(CountedDurations(counters_), ElementsAre("driver start 1"));
}

TEST_F(RegistryCountsTest, ConflictsAreCountedAsTheyAreStopped) {
  Add("a", Names(), true);
  Add("spared", Names{"b"}, true);
  const auto b = Add("b", Names{"spared"});
  CallDisableConflictsOnStart(b);
  EXPECT_TRUE(registry_.EnableOne("b", Deadline()).status.ok());
  EXPECT_THAT(Operations(), ElementsAre("driver start changed 1", "driver stop changed 1"));
}

TEST_F(RegistryCountsTest, OneThatChangesAlongIsNoOperation) {
  const auto along = Add("along", Names{"a"}, true);
  const auto a = Add("a", Names{"along"});
  a->set_hook([&](bool running, absl::Time) {
    along->set_running(!running);
    return absl::OkStatus();
  });
  (void)registry_.EnableOne("a", Deadline());
  EXPECT_THAT(Operations(), ElementsAre("driver start changed 1"));
}

TEST_F(RegistryCountsTest, RefusalsNameTheActOfEachDriver) {
  Add("a", Names(), true);
  Add("b");
  registry_.SetSwitching(false);
  EXPECT_FALSE(registry_.SwitchDrivers({"b", "B"}, {"a"}, Deadline()).status.ok());
  EXPECT_FALSE(registry_.RestoreStates({{"a", false}, {"b", true}}, Deadline()).status.ok());
  EXPECT_FALSE(registry_.DisableOne("a", Deadline()).status.ok());
  EXPECT_FALSE(registry_.DisableConflicts("b", Deadline()).status.ok());
  EXPECT_THAT(Operations(), ElementsAre("driver start refused SWITCHING_OFF 2",
                                        "driver stop refused SWITCHING_OFF 3"));
  EXPECT_THAT(CountedDurations(counters_), IsEmpty());
}

TEST_F(RegistryCountsTest, UnregisteringStops) {
  Add("a", Names(), true);
  Add("b");
  EXPECT_TRUE(registry_.Unregister("a", Deadline()).status.ok());
  EXPECT_TRUE(registry_.Unregister("b", Deadline()).status.ok());
  EXPECT_FALSE(registry_.Unregister("gone", Deadline()).status.ok());
  EXPECT_THAT(Operations(), ElementsAre("driver stop changed 1", "driver stop already 1",
                                        "driver stop refused DRIVER_NOT_REGISTERED 1"));
}

// A pass comes by again and again; what it finds as it is to be is no operation.
TEST_F(RegistryCountsTest, WhoKeepsThingsSoHasNotCountedWhatIsSoAlready) {
  Add("a");
  Add("b");
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(
        registry_.SwitchDrivers({"a"}, {"b"}, Deadline(), /*count_already=*/false).status.ok());
  }
  EXPECT_THAT(Operations(), ElementsAre("driver start changed 1"));
}

}  // namespace
}  // namespace hotplugger::agent
