#include "common/device_rules.h"

#include <gtest/gtest.h>

#include <string>

namespace hotplugger {
namespace {

TEST(DeviceRulesTest, BusesAndDevices) {
  EXPECT_TRUE(IsBusName("container"));
  EXPECT_TRUE(IsBusName("xen_cpu-1"));
  EXPECT_TRUE(IsDeviceOnBus("PNP0A06:00"));
  EXPECT_TRUE(IsDeviceOnBus("a.b@c+d_e-f"));
  EXPECT_TRUE(IsBusName(std::string(kMaxBusLength, 'a')));
  EXPECT_TRUE(IsDeviceOnBus(std::string(kMaxDeviceLength, 'a')));
}

TEST(DeviceRulesTest, NothingThatIsAPath) {
  for (const std::string& text :
       {std::string(), std::string("."), std::string(".."), std::string("a/b"), std::string("a b"),
        std::string("a\0b", 3), std::string("\xc3\xa9"), std::string(4096, 'a')}) {
    EXPECT_FALSE(IsBusName(text)) << text;
    EXPECT_FALSE(IsDeviceOnBus(text)) << text;
  }
  EXPECT_FALSE(IsBusName("a.b"));
  EXPECT_FALSE(IsBusName(std::string(kMaxBusLength + 1, 'a')));
  EXPECT_FALSE(IsDeviceOnBus(std::string(kMaxDeviceLength + 1, 'a')));
}

TEST(DeviceRulesTest, KindsWithNamesOfTheirOwn) {
  EXPECT_TRUE(IsBusOfItsOwnKind("cpu"));
  EXPECT_TRUE(IsBusOfItsOwnKind("memory"));
  EXPECT_FALSE(IsBusOfItsOwnKind("xen_cpu"));
}

TEST(DeviceRulesTest, Numbers) {
  EXPECT_EQ(ParseDeviceNumber("0", 8), 0);
  EXPECT_EQ(ParseDeviceNumber("8", 8), 8);
  for (const char* text :
       {"", "9", "08", "00", "-1", "+1", " 1", "1 ", "0x1", "1e1", "99999999999999999999"}) {
    EXPECT_EQ(ParseDeviceNumber(text, 8), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace hotplugger
