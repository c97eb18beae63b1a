#include "agent/devices/device_name.h"

#include <gtest/gtest.h>

#include "common/error_info.h"

namespace hotplugger::agent {
namespace {

TEST(DeviceNameTest, TakesKernelNames) {
  EXPECT_EQ(ParseDeviceName("cpu0")->number, 0);
  EXPECT_EQ(ParseDeviceName("cpu8191")->number, 8191);
  EXPECT_EQ(CpuName(17), "cpu17");
}

TEST(DeviceNameTest, RefusesEverythingElse) {
  const std::string nul("cpu1\0", 5);
  for (const std::string& name :
       {std::string(), std::string("cpu"), std::string("cpu-1"), std::string("cpu01"),
        std::string("cpu8192"), std::string("cpu99999999999999999999"), std::string("cpu1 "),
        std::string(" cpu1"), std::string("cpu1/online"), std::string("../cpu1"),
        std::string("CPU1"), std::string("memory3"), std::string("cpu1\n"), nul,
        std::string(4096, 'c')}) {
    const auto parsed = ParseDeviceName(name);
    EXPECT_EQ(ErrorReason(parsed.status()), "BAD_DEVICE_NAME") << name;
  }
}

}  // namespace
}  // namespace hotplugger::agent
