#include "server/fleet/node_registry.h"

#include <gtest/gtest.h>

#include "tests/fakes/fake_clock.h"
#include "tests/fakes/fake_node_link.h"
#include "tests/fakes/proto_text.h"

namespace hotplugger::server {
namespace {

class NodeRegistryTest : public ::testing::Test {
 protected:
  FakeClock clock_;
  NodeRegistry registry_{&clock_, /*max_nodes=*/10};
};

// As where a node could not be deleted from the store, and has connected meanwhile.
TEST_F(NodeRegistryTest, RestoresOnlyWhatHasNotComeByItself) {
  EXPECT_TRUE(registry_.RestoreIfAbsent("n1", {{"zone", "old"}}));
  EXPECT_EQ(registry_.Get("n1")->identity->labels.at("zone"), "old");
  const auto attached = registry_.Attach(
      testing::FromText<v1::Hello>(R"(node: "n1" boot_id: "b" labels {key: "zone" value: "new"})"),
      std::make_shared<testing::FakeNodeLink>());
  ASSERT_TRUE(attached.ok()) << attached.status();
  EXPECT_FALSE(registry_.RestoreIfAbsent("n1", {{"zone", "old"}}));
  EXPECT_EQ(registry_.Get("n1")->identity->labels.at("zone"), "new");
  EXPECT_EQ(registry_.Get("n1")->identity->boot_id, "b");
}

}  // namespace
}  // namespace hotplugger::server
