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
    cpu {offline: "8,3,2,3"})");
  NormalizePolicy(&policy);
  EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(policy, FromText<v1::Policy>(R"(
    name: "p" selector {nodes: "a" nodes: "b"}
    drivers {active: "alpha" active: "beta" stopped: "z"
             whitelist {key: "alpha" value {drivers: "beta" drivers: "c"}}}
    cpu {offline: "2-3,8"})")))
      << policy.DebugString();
}

TEST(NormalizeTest, AHoldsDriverIsLowerCase) {
  v1::Hold hold = FromText<v1::Hold>(R"(subject: "driver/Alucard")");
  NormalizeHold(&hold);
  EXPECT_EQ(hold.subject(), "driver/alucard");
}

}  // namespace
}  // namespace hotplugger::server
