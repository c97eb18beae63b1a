#include "server/fleet/node_registry.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_join.h"
#include "tests/fakes/fake_clock.h"
#include "tests/fakes/fake_node_link.h"
#include "tests/fakes/proto_text.h"

namespace hotplugger::server {
namespace {

class NodeRegistryTest : public ::testing::Test {
 protected:
  FakeClock clock_;
  NodeRegistry registry_{&clock_, &clock_, /*max_nodes=*/10};
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

// A fleet of `names` that is looked at page by page.
class NodePagesTest : public NodeRegistryTest {
 protected:
  using Scope = NodeRegistry::Scope;

  std::string Page(const std::string& after, size_t limit, Scope scope = Scope::kMembers) {
    std::vector<std::string> names;
    for (const NodeSnapshot& node : registry_.SnapshotAfter(after, limit, scope)) {
      names.push_back(node.name);
    }
    return absl::StrJoin(names, " ");
  }
};

TEST_F(NodePagesTest, PagesAreInOrderAndBounded) {
  EXPECT_EQ(Page("", 3), "");
  for (const char* name : {"d", "a", "c", "b", "e"}) registry_.Restore(name, {});
  EXPECT_EQ(Page("", 2), "a b");
  EXPECT_EQ(Page("b", 2), "c d");
  EXPECT_EQ(Page("d", 2), "e");
  EXPECT_EQ(Page("e", 2), "");
  EXPECT_EQ(Page("", 9), "a b c d e");
  EXPECT_EQ(Page("", 0), "");
}

TEST_F(NodePagesTest, NodesMayComeAndGoBetweenPages) {
  for (const char* name : {"b", "c", "d", "e"}) registry_.Restore(name, {});
  EXPECT_EQ(Page("", 2), "b c");
  // The last one seen is gone, one comes before it and one behind.
  ASSERT_TRUE(registry_.Remove("c").ok());
  registry_.Restore("a", {});
  registry_.Restore("cc", {});
  ASSERT_TRUE(registry_.Remove("d").ok());
  EXPECT_EQ(Page("c", 9), "cc e");
}

TEST_F(NodePagesTest, StrangersAreSkippedAndMakeNoPageShort) {
  for (const char* name : {"b", "d", "f"}) registry_.Restore(name, {});
  for (const char* name : {"a", "c", "e"}) {
    v1::Hello hello;
    hello.set_node(name);
    registry_.NoteTurnedAway(hello, absl::FailedPreconditionError("another fleet's"));
  }
  EXPECT_EQ(Page("", 2), "b d");
  EXPECT_EQ(Page("b", 2), "d f");
  EXPECT_EQ(Page("", 4, Scope::kAll), "a b c d");
  EXPECT_EQ(Page("d", 4, Scope::kAll), "e f");
}

}  // namespace
}  // namespace hotplugger::server
