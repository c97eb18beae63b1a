#include "agent/devices/device_operator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/error_info.h"
#include "tests/fakes/fake_host.h"

namespace hotplugger::agent {
namespace {

using ::testing::ElementsAre;
using testing::FakeHost;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class DeviceOperatorTest : public ::testing::Test {
 protected:
  explicit DeviceOperatorTest(SafetyLimits limits = {}, std::set<int> fixed = {0})
      : host_(4, std::move(fixed)),
        sysfs_(*Sysfs::Open(host_.root(), Sysfs::Kind::kAnyDirectory)),
        operator_(*sysfs_, host_, limits, clock_) {}

  // The reason of the error that the operation must end with.
  std::string Refused(absl::string_view device, bool online) {
    const auto result = operator_.SetOnline(device, online);
    if (result.ok()) return "";
    message_ = std::string(result.status().message());
    item_ = FailedItem(device, result.status());
    return ErrorReason(result.status());
  }

  FakeHost host_;
  SystemClock clock_;
  std::unique_ptr<Sysfs> sysfs_;
  DeviceOperator operator_;
  std::string message_;
  v1::ItemResult item_;
};

TEST_F(DeviceOperatorTest, TakesACpuOfflineAndOnline) {
  EXPECT_EQ(operator_.SetOnline("cpu3", false)->outcome(), v1::OUTCOME_CHANGED);
  EXPECT_EQ(host_.online(), (CpuSet{0, 1, 2}));
  EXPECT_EQ(operator_.SetOnline("cpu3", true)->outcome(), v1::OUTCOME_CHANGED);
  EXPECT_EQ(host_.online(), (CpuSet{0, 1, 2, 3}));
}

TEST_F(DeviceOperatorTest, AlreadyIsSuccessWithoutAWrite) {
  EXPECT_EQ(operator_.SetOnline("cpu3", true)->outcome(), v1::OUTCOME_ALREADY);
  EXPECT_EQ(operator_.SetOnline("cpu0", true)->outcome(), v1::OUTCOME_ALREADY);
  EXPECT_THAT(host_.writes(), IsEmpty());
}

TEST_F(DeviceOperatorTest, CpuWithoutOnlineFileIsNotHotpluggable) {
  EXPECT_EQ(Refused("cpu0", false), "NOT_HOTPLUGGABLE");
  EXPECT_EQ(item_.outcome(), v1::OUTCOME_REFUSED);
  EXPECT_THAT(host_.writes(), IsEmpty());
}

TEST_F(DeviceOperatorTest, AbsentCpuNamesThosePresent) {
  EXPECT_EQ(Refused("cpu99", false), "DEVICE_NOT_FOUND");
  EXPECT_THAT(message_, HasSubstr("0-3"));
}

TEST_F(DeviceOperatorTest, BadNameIsRefused) {
  EXPECT_EQ(Refused("cpu-1", false), "BAD_DEVICE_NAME");
}

TEST_F(DeviceOperatorTest, KernelErrorIsExplained) {
  host_.FailCpu(2, ENOSPC);
  EXPECT_EQ(Refused("cpu2", false), "NO_INTERRUPT_VECTORS");
  EXPECT_THAT(message_, HasSubstr("ENOSPC"));
  EXPECT_EQ(item_.outcome(), v1::OUTCOME_FAILED);
  EXPECT_EQ(item_.error_number(), ENOSPC);
  EXPECT_FALSE(item_.retryable());
}

TEST_F(DeviceOperatorTest, BusyIsRetryable) {
  host_.FailCpu(2, EBUSY);
  EXPECT_EQ(Refused("cpu2", false), "CPU_BUSY");
  EXPECT_TRUE(item_.retryable());
}

TEST_F(DeviceOperatorTest, SmtOffIsNamedWhenAThreadCannotComeUp) {
  host_.SwitchBehindOurBack(1, false);
  host_.FailCpu(1, EPERM);
  EXPECT_EQ(Refused("cpu1", true), "SMT_OFF");
}

TEST_F(DeviceOperatorTest, AWriteThatChangesNothingIsNotBelieved) {
  host_.SetLying(true);
  EXPECT_EQ(Refused("cpu2", false), "NOT_VERIFIED");
}

TEST_F(DeviceOperatorTest, StaleAttributeIsNotAlready) {
  host_.dir().Write("devices/system/cpu/online", "0-2\n");
  EXPECT_EQ(operator_.SetOnline("cpu3", false)->outcome(), v1::OUTCOME_CHANGED);
  EXPECT_THAT(host_.writes(), ElementsAre("cpu3=0"));
}

TEST_F(DeviceOperatorTest, StuckIsReported) {
  host_.SetStuck(true);
  EXPECT_EQ(Refused("cpu2", false), "STUCK");
  EXPECT_EQ(item_.outcome(), v1::OUTCOME_FAILED);
}

class LimitTest : public DeviceOperatorTest {
 protected:
  LimitTest() : DeviceOperatorTest({.min_online_cpus = 2}, {}) {}
};

TEST_F(LimitTest, TripsAtTheLimitAndNotBefore) {
  EXPECT_TRUE(operator_.SetOnline("cpu3", false).ok());
  EXPECT_TRUE(operator_.SetOnline("cpu2", false).ok());
  EXPECT_EQ(Refused("cpu1", false), "LIMIT_MIN_ONLINE_CPUS");
  EXPECT_THAT(message_, HasSubstr("min_online_cpus is 2"));
  EXPECT_EQ(host_.online(), (CpuSet{0, 1}));
}

class LastCpuTest : public DeviceOperatorTest {
 protected:
  LastCpuTest() : DeviceOperatorTest({.min_online_cpus = 0}, {}) {}
};

TEST_F(LastCpuTest, StaysOnlineWhateverTheLimit) {
  for (const char* cpu : {"cpu3", "cpu2", "cpu1"}) {
    EXPECT_TRUE(operator_.SetOnline(cpu, false).ok());
  }
  EXPECT_EQ(Refused("cpu0", false), "LIMIT_MIN_ONLINE_CPUS");
  EXPECT_THAT(message_, HasSubstr("last online CPU"));
}

}  // namespace
}  // namespace hotplugger::agent
