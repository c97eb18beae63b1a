#include "agent/reconcile/host_cpu_control.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/drivers/give_back.h"
#include "common/error_info.h"
#include "tests/agent/reconcile/host_fixture.h"

namespace hotplugger::agent {
namespace {

using ::testing::IsEmpty;

class HostCpuControlTest : public ::testing::Test, protected HostFixture {
 protected:
  HostCpuControlTest() { control_.SetHost(host.get()); }

  absl::Status Change(int cpu, bool online) {
    return control_.Change(cpu, online, SteadyNow() + absl::Seconds(10)).status();
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

TEST_F(HostCpuControlTest, SoIsWhatSomebodyTookOfflineHereUnlessADriverHasItParked) {
  ASSERT_EQ(Change(2, false), absl::OkStatus());
  ASSERT_EQ(Change(3, false), absl::OkStatus());
  EXPECT_EQ(control_.Look()->decided, (CpuSet{2, 3}));
  ASSERT_EQ(control_.SaveParking("load", {.running = true, .parked = {3}}), absl::OkStatus());
  EXPECT_EQ(control_.Look()->decided, CpuSet{2});
  EXPECT_EQ(control_.Look()->parked, CpuSet{3});
  ASSERT_EQ(GiveBack(control_, {2, 3}, SteadyNow() + absl::Seconds(10)), absl::OkStatus());
  EXPECT_EQ(control_.Look()->cpus.masks.online, (CpuSet{0, 1, 3}));
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
