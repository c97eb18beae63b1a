#include "agent/reconcile/held_cores.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/reconcile/explanation.h"
#include "agent/reconcile/plan.h"
#include "tests/fakes/proto_text.h"
#include "tests/fakes/snapshot_builder.h"

namespace hotplugger::agent {
namespace {

using testing::FromText;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;
using testing::SnapshotBuilder;
using ::testing::UnorderedElementsAre;

// Two packages of two cores of two threads: CPU n and n + 4 are core n % 2 of package n / 2.
Snapshot TwoPackages() { return SnapshotBuilder().Cpus(2, 2, 2).Build(); }

std::map<std::string, bool> Wanted(const std::string& spec, const Snapshot& snapshot) {
  std::map<std::string, bool> wanted;
  for (const auto& [name, device] : WantedOf(FromText<v1::NodeSpec>(spec), {}, snapshot)) {
    wanted[name] = device.change.online;
  }
  return wanted;
}

TEST(HeldCoresTest, MeansAllThreadsOfTheCore) {
  EXPECT_THAT(Wanted("cores_offline: '1-0-1'", TwoPackages()),
              UnorderedElementsAre(Pair("cpu3", false), Pair("cpu7", false)));
  EXPECT_THAT(Wanted("cores_online: '0-0-0'", TwoPackages()),
              UnorderedElementsAre(Pair("cpu0", true), Pair("cpu4", true)));
}

TEST(HeldCoresTest, FollowsTheCoreToOtherNumbers) {
  Snapshot snapshot = TwoPackages();
  // As after a boot that numbers siblings as neighbours.
  for (int cpu = 0; cpu < 8; ++cpu) {
    v1::CpuTopology place;
    place.set_package(cpu / 4);
    place.set_core(cpu / 2 % 2);
    snapshot.cpus.topology.Set(cpu, place);
  }
  EXPECT_THAT(Wanted("cores_offline: '1-0-1'", snapshot),
              UnorderedElementsAre(Pair("cpu6", false), Pair("cpu7", false)));
}

TEST(HeldCoresTest, KnowsOfflineCpusByTheirRecord) {
  Snapshot snapshot = TwoPackages();
  for (const int cpu : {3, 7}) snapshot.cpus.masks.online.erase(cpu);
  EXPECT_THAT(Wanted("cores_online: '1-0-1'", snapshot), SizeIs(2));
}

TEST(HeldCoresTest, OneThatIsNotThereCountsAsOffline) {
  EXPECT_THAT(Wanted("cores_offline: '7-0-1'", TwoPackages()), IsEmpty());
  const auto offline = FromText<v1::NodeSpec>("cores_offline: '7-0-1'");
  EXPECT_THAT(MissingCores(offline, TwoPackages().cpus), IsEmpty());
  const auto online = FromText<v1::NodeSpec>("cores_online: ['0-0-1', '7-0-1']");
  const std::vector<v1::ItemResult> missing = MissingCores(online, TwoPackages().cpus);
  ASSERT_THAT(missing, SizeIs(1));
  EXPECT_EQ(missing[0].subject(), "core/7-0-1");
  EXPECT_EQ(missing[0].reason(), "CORE_NOT_FOUND");
}

TEST(HeldCoresTest, CpusThatHaveLeftAreNotMeant) {
  Snapshot snapshot = TwoPackages();
  snapshot.cpus.masks.present.erase(7);
  EXPECT_THAT(Wanted("cores_offline: '1-0-1'", snapshot),
              UnorderedElementsAre(Pair("cpu3", false)));
}

TEST(HeldCoresTest, AHoldOfOneCpuOutranksItsCoreAndAPolicyDoesNot) {
  EXPECT_THAT(Wanted("cores_offline: '1-0-1' cpu_online: '7'", TwoPackages()),
              UnorderedElementsAre(Pair("cpu3", false), Pair("cpu7", true)));
  EXPECT_THAT(Wanted("cores_online: '1-0-1' cpu_offline: '3,7' cpu_held: '7'", TwoPackages()),
              UnorderedElementsAre(Pair("cpu3", true), Pair("cpu7", false)));
}

TEST(HeldCoresTest, ACountLeavesHeldCoresAloneAndCountsThoseOnline) {
  // 4 of 8 stay: those held online are among them, those held offline are off already.
  const auto wanted =
      Wanted("cpu_online_count: 4 cores_online: '1-0-1' cores_offline: '1-0-0'", TwoPackages());
  EXPECT_TRUE(wanted.at("cpu3") && wanted.at("cpu7"));
  EXPECT_FALSE(wanted.at("cpu2") || wanted.at("cpu6"));
  int offline = 0;
  for (const auto& [name, online] : wanted) offline += online ? 0 : 1;
  EXPECT_EQ(offline, 4);
}

TEST(HeldCoresTest, TheExplanationNamesTheHold) {
  const Snapshot snapshot = TwoPackages();
  const auto spec = FromText<v1::NodeSpec>("cores_offline: '1-0-1'");
  const auto state =
      FromText<v1::AgentState>("spec_sources { setting: 'core/1-0-1' source: 'hold/core/1-0-1' }");
  const SafetyLimits limits;
  const auto explained =
      Explain(*ParseDeviceName("cpu7"),
              {.snapshot = snapshot, .spec = spec, .state = state, .limits = limits});
  ASSERT_TRUE(explained.ok()) << explained.status();
  ASSERT_FALSE(explained->influences().empty());
  EXPECT_EQ(explained->influences(0).source(), "hold/core/1-0-1");
  EXPECT_THAT(explained->influences(0).message(), HasSubstr("core/1-0-1"));
  const absl::Status held =
      CheckHeld({*ParseDeviceName("cpu7"), true}, WantedOf(spec, {}, snapshot), spec, state);
  EXPECT_THAT(std::string(held.message()), HasSubstr("hold/core/1-0-1"));
}

}  // namespace
}  // namespace hotplugger::agent
