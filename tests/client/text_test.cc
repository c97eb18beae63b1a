#include "client/text.h"

#include <gtest/gtest.h>

#include "hotplugger/v1/node.pb.h"

namespace hotplugger::client {
namespace {

TEST(ShortEnumNameTest, LeavesThePrefixOut) {
  EXPECT_EQ(ShortEnumName(*v1::DeviceState_descriptor(), v1::DEVICE_STATE_ONLINE), "online");
  EXPECT_EQ(ShortEnumName(*v1::ApplyState_descriptor(), v1::APPLY_STATE_APPLIED), "applied");
  EXPECT_EQ(ShortEnumName(*v1::ApplyState_descriptor(), 77), "77");
}

}  // namespace
}  // namespace hotplugger::client
