#include "server/policy/normalize.h"

#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include "tests/fakes/proto_text.h"

namespace hotplugger::server {
namespace {

using testing::FromText;

TEST(NormalizeTest, PoliciesThatMeanTheSameBecomeTheSame) {
  v1::Policy policy = FromText<v1::Policy>(R"(
    name: "p" selector {nodes: "b" nodes: "a" nodes: "b"}
    drivers {active: "Beta" active: "alpha" stopped: "Z"
             whitelist {key: "Alpha" value {drivers: "C" drivers: "beta"}}}
    cpu {offline: "8,3,2,3"} memory {offline_blocks: "33,32,40-42,41"})");
  NormalizePolicy(&policy);
  EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(policy, FromText<v1::Policy>(R"(
    name: "p" selector {nodes: "a" nodes: "b"}
    drivers {active: "alpha" active: "beta" stopped: "z"
             whitelist {key: "alpha" value {drivers: "beta" drivers: "c"}}}
    cpu {offline: "2-3,8"} memory {offline_blocks: "32-33,40-42"})")))
      << policy.DebugString();
}

TEST(NormalizeTest, SizesHaveOneForm) {
  for (const char* size : {"4Gi", "4G", "4GiB", "4096Mi", "4294967296"}) {
    v1::Policy policy;
    policy.mutable_memory()->set_offline_bytes(size);
    NormalizePolicy(&policy);
    EXPECT_EQ(policy.memory().offline_bytes(), "4Gi") << size;
  }
  v1::Policy none = FromText<v1::Policy>("memory {hot_add: HOT_ADD_ONLINE}");
  NormalizePolicy(&none);
  EXPECT_EQ(none.memory().offline_bytes(), "");
}

TEST(NormalizeTest, NamesOfDevicesStayAsTheKernelHasThem) {
  v1::Hold hold = FromText<v1::Hold>(R"(subject: "container/PNP0A06:00")");
  NormalizeHold(&hold);
  EXPECT_EQ(hold.subject(), "container/PNP0A06:00");
}

TEST(NormalizeTest, AHoldsDriverIsLowerCase) {
  v1::Hold hold = FromText<v1::Hold>(R"(subject: "driver/Alucard")");
  NormalizeHold(&hold);
  EXPECT_EQ(hold.subject(), "driver/alucard");
}

}  // namespace
}  // namespace hotplugger::server
