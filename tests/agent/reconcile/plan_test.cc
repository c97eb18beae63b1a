#include "agent/reconcile/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hotplugger::agent {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

// CPUs 0 to 3, of which those in `offline` are offline; cpu0 can't be switched.
CpuInventory Cpus(const CpuSet& offline = {}) {
  CpuInventory cpus;
  for (int cpu = 0; cpu < 4; ++cpu) {
    cpus[cpu] = {.online = offline.count(cpu) == 0, .hotpluggable = cpu > 0};
  }
  return cpus;
}

v1::NodeSpec Offline(const std::string& list) {
  v1::NodeSpec spec;
  spec.set_cpu_offline(list);
  return spec;
}

v1::Baseline Recorded(const std::vector<std::string>& online) {
  v1::Baseline baseline;
  for (const std::string& device : online) {
    (*baseline.mutable_devices())[device] = v1::DEVICE_STATE_ONLINE;
  }
  return baseline;
}

TEST(PlanDevicesTest, TakesTheHighestCpuFirst) {
  EXPECT_THAT(PlanDevices(Offline("2-3"), {}, Cpus()),
              ElementsAre(DeviceStep{"cpu3", false}, DeviceStep{"cpu2", false}));
}

TEST(PlanDevicesTest, NothingToDoWhenSo) {
  EXPECT_THAT(PlanDevices(Offline("2-3"), {}, Cpus({2, 3})), IsEmpty());
  EXPECT_THAT(PlanDevices({}, {}, Cpus({1})), IsEmpty());
}

TEST(PlanDevicesTest, AbsentCpusCountAsOffline) {
  EXPECT_THAT(PlanDevices(Offline("3-9"), {}, Cpus({3})), IsEmpty());
}

TEST(PlanDevicesTest, CapacityComesBackBeforeItIsTaken) {
  v1::NodeSpec spec = Offline("3");
  spec.set_cpu_online("1");
  EXPECT_THAT(PlanDevices(spec, {}, Cpus({1})),
              ElementsAre(DeviceStep{"cpu1", true}, DeviceStep{"cpu3", false}));
}

TEST(PlanDevicesTest, ReleasedDevicesGoBackToTheirBaseline) {
  EXPECT_THAT(PlanDevices({}, Recorded({"cpu2"}), Cpus({2, 3})),
              ElementsAre(DeviceStep{"cpu2", true}));
}

TEST(PlanDevicesTest, ARecordedDeviceThatIsStillWantedStays) {
  EXPECT_THAT(PlanDevices(Offline("2"), Recorded({"cpu2"}), Cpus({2})), IsEmpty());
}

TEST(PlanDevicesTest, ACpuThatCannotBeSwitchedIsStillTried) {
  EXPECT_THAT(PlanDevices(Offline("0"), {}, Cpus()), ElementsAre(DeviceStep{"cpu0", false}));
}

TEST(RecordDevicesTest, RecordsWhatWillBeTouchedOnce) {
  const auto steps = PlanDevices(Offline("0,2-3"), {}, Cpus());
  v1::Baseline baseline = RecordDevices({}, steps, Cpus());
  EXPECT_THAT(baseline.devices(), UnorderedElementsAre(Pair("cpu2", v1::DEVICE_STATE_ONLINE),
                                                       Pair("cpu3", v1::DEVICE_STATE_ONLINE)));
  // A second touch, when it is offline, must not become the state to go back to.
  baseline = RecordDevices(baseline, {{"cpu2", true}}, Cpus({2, 3}));
  EXPECT_EQ(baseline.devices().at("cpu2"), v1::DEVICE_STATE_ONLINE);
}

void AddDevice(const std::string& name, v1::DeviceState state, v1::Inventory* inventory) {
  v1::Device* device = inventory->add_devices();
  device->set_name(name);
  device->set_state(state);
}

void AddDriver(const std::string& name, v1::DriverState state, v1::Inventory* inventory) {
  v1::Driver* driver = inventory->add_drivers();
  driver->set_name(name);
  driver->set_state(state);
}

TEST(ForgetRestoredTest, ForgetsWhatIsAsItWasAndWhatIsGone) {
  v1::Baseline baseline = Recorded({"cpu1", "cpu2", "cpu7"});
  for (const char* driver : {"alucard", "bricked", "gone", "mute"}) {
    (*baseline.mutable_drivers())[driver] = v1::DRIVER_STATE_RUNNING;
  }
  v1::Inventory inventory;
  AddDevice("cpu1", v1::DEVICE_STATE_ONLINE, &inventory);
  AddDevice("cpu2", v1::DEVICE_STATE_OFFLINE, &inventory);
  AddDriver("Alucard", v1::DRIVER_STATE_RUNNING, &inventory);
  AddDriver("bricked", v1::DRIVER_STATE_STOPPED, &inventory);
  AddDriver("mute", v1::DRIVER_STATE_UNKNOWN, &inventory);
  const v1::Baseline left = ForgetRestored(baseline, inventory);
  EXPECT_THAT(left.devices(), UnorderedElementsAre(Pair("cpu2", v1::DEVICE_STATE_ONLINE)));
  EXPECT_THAT(left.drivers(), UnorderedElementsAre(Pair("bricked", v1::DRIVER_STATE_RUNNING),
                                                   Pair("mute", v1::DRIVER_STATE_RUNNING)));
}

v1::Baseline RecordedDrivers() {
  v1::Baseline baseline;
  (*baseline.mutable_drivers())["alucard"] = v1::DRIVER_STATE_STOPPED;
  (*baseline.mutable_drivers())["bricked"] = v1::DRIVER_STATE_RUNNING;
  return baseline;
}

TEST(DriversToReleaseTest, NoneWhileASetIsActive) {
  v1::NodeSpec spec;
  spec.add_drivers_active("alucard");
  EXPECT_THAT(DriversToRelease(spec, RecordedDrivers()), IsEmpty());
}

TEST(DriversToReleaseTest, AllWhenTheSpecSaysNothing) {
  EXPECT_THAT(DriversToRelease({}, RecordedDrivers()),
              ElementsAre(Pair("alucard", false), Pair("bricked", true)));
}

TEST(DriversToReleaseTest, NotThoseThatAreToStayStopped) {
  v1::NodeSpec spec;
  spec.add_drivers_stopped("Bricked");
  EXPECT_THAT(DriversToRelease(spec, RecordedDrivers()), ElementsAre(Pair("alucard", false)));
}

}  // namespace
}  // namespace hotplugger::agent
