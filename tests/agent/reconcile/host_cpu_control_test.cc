#include "agent/reconcile/host_cpu_control.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/drivers/give_back.h"
#include "agent/reconcile/local_device_operations.h"
#include "common/error_info.h"
#include "tests/agent/reconcile/host_fixture.h"
#include "tests/fakes/proto_text.h"

namespace hotplugger::agent {
namespace {

using ::testing::IsEmpty;

class HostCpuControlTest : public ::testing::Test, protected HostFixture {
 protected:
  HostCpuControlTest() { control_.SetHost(host.get()); }

  absl::Status Change(int cpu, bool online) {
    return control_.Change(cpu, online, SteadyNow() + absl::Seconds(10)).status();
  }

  // A person's, on the host.
  absl::StatusOr<v1::OfflineDevicesResponse> OfflineByHand(const std::string& request) {
    return LocalDeviceOperations(*host).OfflineDevices(
        testing::FromText<v1::OfflineDevicesRequest>(request));
  }
  void Park(const CpuSet& cpus) {
    for (const int cpu : cpus) ASSERT_EQ(Change(cpu, false), absl::OkStatus());
    ASSERT_EQ(control_.SaveParking("load", {.running = true, .parked = cpus}), absl::OkStatus());
  }

  HostCpuControl control_;
};

TEST_F(HostCpuControlTest, ShowsTheCpusAndChangesThemThroughTheJournal) {
  EXPECT_EQ(control_.Look()->cpus.masks.online, (CpuSet{0, 1, 2, 3}));
  EXPECT_EQ(Change(3, false), absl::OkStatus());
  EXPECT_EQ(control_.Look()->cpus.masks.online, (CpuSet{0, 1, 2}));
  EXPECT_EQ(host->devices().journal().OperationsOf("cpu3", 5).size(), 1u);
}

TEST_F(HostCpuControlTest, TheHostsLimitsCount) {
  EXPECT_FALSE(Change(0, false).ok()) << "cpu0 can't be switched";
}

TEST_F(HostCpuControlTest, WhatTheSpecSaysIsDecided) {
  v1::NodeSpec spec;
  spec.set_cpu_offline("2");
  spec.set_cpu_online("1");
  SetSpec(spec);
  EXPECT_EQ(control_.Look()->decided, (CpuSet{1, 2}));
}

// Until a pass has put it on the baseline nobody else would bring it back.
TEST_F(HostCpuControlTest, OfAParkedCpuTheSpecDecidesOnceItIsOnTheBaseline) {
  Park({3});
  v1::NodeSpec spec;
  spec.set_cpu_offline("2-3");
  SetSpec(spec);
  EXPECT_EQ(control_.Look()->decided, CpuSet{2});
  v1::Baseline baseline = host->state().baseline();
  (*baseline.mutable_devices())["cpu3"] = v1::DEVICE_STATE_ONLINE;
  host->KeepBaseline(baseline);
  EXPECT_EQ(control_.Look()->decided, (CpuSet{2, 3}));
}

TEST_F(HostCpuControlTest, SoIsWhatSomebodyTookOfflineHereButNotWhatADriverDid) {
  ASSERT_TRUE(OfflineByHand("target { device: 'cpu2' }").ok());
  Park({3});
  EXPECT_EQ(control_.Look()->decided, CpuSet{2});
  EXPECT_EQ(control_.Look()->parked, CpuSet{3});
  ASSERT_EQ(GiveBack(control_, {2, 3}, SteadyNow() + absl::Seconds(10)), absl::OkStatus());
  EXPECT_EQ(control_.Look()->cpus.masks.online, (CpuSet{0, 1, 3}));
}

// Its record may be gone; its act is no decision for that.
TEST_F(HostCpuControlTest, ADriversActIsNoDecisionEvenWhereItNoLongerKnowsOfIt) {
  ASSERT_EQ(Change(3, false), absl::OkStatus());
  EXPECT_THAT(control_.Look()->decided, IsEmpty());
}

TEST_F(HostCpuControlTest, AParkedCpuThatAPersonTakesOfflineIsThatPersons) {
  Park({2, 3});
  const auto one = OfflineByHand("target { device: 'cpu3' }");
  ASSERT_TRUE(one.ok()) << one.status();
  EXPECT_EQ(one->results(0).outcome(), v1::OUTCOME_ALREADY);
  EXPECT_EQ(control_.Look()->decided, CpuSet{3});
  EXPECT_EQ(host->devices().journal().OperationsOf("cpu3", 5).size(), 2u);
  ASSERT_TRUE(OfflineByHand("target { cpus: '1-2' }").ok());
  EXPECT_EQ(control_.Look()->decided, (CpuSet{1, 2, 3}));
}

TEST_F(HostCpuControlTest, AGroupOfWhichAnotherFailedDecidesNothing) {
  Park({2, 3});
  const std::string group = " options { group: GROUP_MODE_ALL_OR_NOTHING }";
  fake.FailCpu(1, EIO);
  ASSERT_TRUE(OfflineByHand("target { cpus: '1-3' }" + group).ok());
  EXPECT_THAT(control_.Look()->decided, IsEmpty());
  // One is brought online, and put back.
  fake.FailCpu(3, EIO);
  ASSERT_TRUE(LocalDeviceOperations(*host)
                  .OnlineDevices(
                      testing::FromText<v1::OnlineDevicesRequest>("target { cpus: '2-3' }" + group))
                  .ok());
  EXPECT_THAT(fake.writes(), ::testing::Contains("cpu2=1"));
  EXPECT_EQ(fake.online(), (CpuSet{0, 1}));
  EXPECT_THAT(control_.Look()->decided, IsEmpty());
}

TEST_F(HostCpuControlTest, ParkingIsRememberedOverARestartAndNotOverAReboot) {
  ASSERT_EQ(control_.SaveParking("load", {.running = true, .parked = {2, 3}}), absl::OkStatus());
  Boot("boot-1");
  control_.SetHost(host.get());
  EXPECT_TRUE(control_.LoadParking("load").running);
  EXPECT_EQ(control_.LoadParking("load").parked, (CpuSet{2, 3}));
  EXPECT_FALSE(control_.LoadParking("thermal").running);
  Boot("boot-2");
  control_.SetHost(host.get());
  EXPECT_FALSE(control_.LoadParking("load").running);
  EXPECT_THAT(control_.LoadParking("load").parked, IsEmpty());
}

TEST_F(HostCpuControlTest, AnEmptyRecordLeavesNothingBehindAndSavesNothingTwice) {
  ASSERT_EQ(control_.SaveParking("load", {.running = true, .parked = {}}), absl::OkStatus());
  ASSERT_EQ(control_.SaveParking("load", {}), absl::OkStatus());
  const int saves = store.saves;
  ASSERT_EQ(control_.SaveParking("load", {}), absl::OkStatus());
  EXPECT_EQ(store.saves, saves);
  EXPECT_EQ(host->state().builtin_drivers_size(), 0);
}

TEST_F(HostCpuControlTest, OnAFullDiskADriverMayRunAndGiveBackButParksNoMore) {
  ASSERT_EQ(control_.SaveParking("load", {.running = true, .parked = {2, 3}}), absl::OkStatus());
  store.SetFailure(absl::ResourceExhaustedError("disk full"));
  EXPECT_EQ(control_.SaveParking("thermal", {.running = true, .parked = {}}), absl::OkStatus());
  EXPECT_EQ(control_.SaveParking("load", {.running = true, .parked = {3}}), absl::OkStatus());
  EXPECT_FALSE(control_.SaveParking("load", {.running = true, .parked = {1, 3}}).ok());
  EXPECT_EQ(control_.LoadParking("load").parked, CpuSet{3});
  EXPECT_TRUE(control_.LoadParking("thermal").running);
}

TEST_F(HostCpuControlTest, UnregisteredDriversAreRememberedOverARestart) {
  ASSERT_EQ(host->SyncDrivers(), absl::OkStatus());
  ASSERT_EQ(host->drivers().List().size(), 3u);
  ASSERT_EQ(host->SetUnregistered({"bricked"}), absl::OkStatus());
  Boot("boot-1");
  ASSERT_EQ(host->SyncDrivers(), absl::OkStatus());
  EXPECT_EQ(host->drivers().List().size(), 2u);
}

}  // namespace
}  // namespace hotplugger::agent
