#include "agent/reconcile/device_queries.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/error_info.h"
#include "tests/agent/reconcile/host_fixture.h"

namespace hotplugger::agent {
namespace {

using ::testing::SizeIs;

class DeviceQueriesTest : public ::testing::Test, protected HostFixture {
 protected:
  DeviceQueries queries_{host->reader()};
};

TEST_F(DeviceQueriesTest, ListsDevicesOfTheKindsAskedFor) {
  fake.SwitchBehindOurBack(2, false);
  v1::ListDevicesRequest request;
  request.add_kinds(v1::DEVICE_KIND_CPU);
  const auto list = *queries_.ListDevices(request);
  ASSERT_THAT(list.devices(), SizeIs(4));
  EXPECT_EQ(list.devices(2).name(), "cpu2");
  EXPECT_EQ(list.devices(2).state(), v1::DEVICE_STATE_OFFLINE);
  EXPECT_FALSE(list.devices(0).hotpluggable());
  EXPECT_EQ(list.cpus_online(), "0-1,3");
}

TEST_F(DeviceQueriesTest, GetsOneDevice) {
  v1::GetDeviceRequest request;
  request.set_device("cpu3");
  EXPECT_EQ(queries_.GetDevice(request)->state(), v1::DEVICE_STATE_ONLINE);
  request.set_device("cpu99");
  EXPECT_EQ(ErrorReason(queries_.GetDevice(request).status()), "DEVICE_NOT_FOUND");
  request.set_device("../cpu3");
  EXPECT_EQ(ErrorReason(queries_.GetDevice(request).status()), "BAD_DEVICE_NAME");
}

TEST_F(DeviceQueriesTest, AKindThatIsNoneIsNamed) {
  v1::ListDevicesRequest request;
  request.add_kinds(static_cast<v1::DeviceKind>(99));
  const auto violations = ErrorFieldViolations(queries_.ListDevices(request).status());
  ASSERT_THAT(violations, SizeIs(1));
  EXPECT_EQ(violations[0].field, "kinds[0]");
}

}  // namespace
}  // namespace hotplugger::agent
