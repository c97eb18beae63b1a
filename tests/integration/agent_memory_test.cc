// Agents whose disk is full, and agents that have lost what was on it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/integration/fleet_fixture.h"

namespace hotplugger {
namespace {

class AgentMemoryTest : public FleetTest {
 protected:
  // Neither file can be written anew beside the old one.
  static void FillDisk(const TestNode& node) {
    for (const char* file : {"state.new", "journal.new"}) {
      std::filesystem::create_directory(node.state.Path(file));
    }
  }
  static void FreeDisk(const TestNode& node) {
    for (const char* file : {"state.new", "journal.new"}) node.state.Remove(file);
  }

  void Restart(TestNode& node) {
    node.agent.reset();
    StartAgent("alpha", node);
  }

  // Until the node's only condition is this one; "": it has none.
  bool EventuallyHas(const std::string& condition) {
    return Eventually("alpha", [&condition](const v1::Node& node) {
      const auto& conditions = node.inventory().conditions();
      return condition.empty() ? conditions.empty()
                               : conditions.size() == 1 && conditions[0].type() == condition;
    });
  }
};

TEST_F(AgentMemoryTest, AFullDiskKeepsNoAgentFromEnforcingWhatItHasOverABoot) {
  TestNode& node = AddNode("alpha", {{"pool", "lab"}});
  ASSERT_TRUE(Apply(ParkPolicy("3")).ok());
  ASSERT_TRUE(EventuallyOnline("alpha", "0-2"));
  node.agent.reset();
  node.host.SwitchBehindOurBack(3, true);
  node.boot_id = "rebooted";
  FillDisk(node);
  StartAgent("alpha", node);
  EXPECT_TRUE(EventuallyOnline("alpha", "0-2"));
  EXPECT_TRUE(EventuallyHas("STATE_NOT_SAVED"));
  ASSERT_TRUE(Apply(ParkPolicy("2-3")).ok());
  EXPECT_TRUE(Eventually("alpha", [](const v1::Node& alpha) {
    return alpha.report().state() == v1::APPLY_STATE_FAILED &&
           alpha.report().digest() == alpha.desired_digest();
  }));
  EXPECT_EQ(node.host.online(), (CpuSet{0, 1, 2}));
  FreeDisk(node);
  EXPECT_TRUE(EventuallyOnline("alpha", "0-1"));
  EXPECT_TRUE(EventuallyHas(""));
  // What it took while it could not write it down is known to the next agent.
  Restart(node);
  ASSERT_TRUE(Delete("park").ok());
  EXPECT_TRUE(EventuallyOnline("alpha", "0-3"));
}

TEST_F(AgentMemoryTest, ALostStateIsMadeUpForByTheControllerAndTheJournal) {
  TestNode& node = AddNode("alpha", {{"pool", "lab"}});
  ASSERT_TRUE(Apply(ParkPolicy("3")).ok());
  ASSERT_TRUE(EventuallyOnline("alpha", "0-2"));
  node.agent.reset();
  node.state.Write("state", "rot");
  node.state.Remove("state.previous");
  StartAgent("alpha", node);
  EXPECT_TRUE(EventuallyHas("BASELINE_REBUILT"));
  EXPECT_TRUE(EventuallyOnline("alpha", "0-2"));
  ASSERT_TRUE(Delete("park").ok());
  EXPECT_TRUE(EventuallyOnline("alpha", "0-3"));
}

TEST_F(AgentMemoryTest, ADamagedStateIsMadeUpForByTheOneBefore) {
  TestNode& node = AddNode("alpha", {{"pool", "lab"}});
  ASSERT_TRUE(Apply(ParkPolicy("3")).ok());
  ASSERT_TRUE(EventuallyOnline("alpha", "0-2"));
  node.agent.reset();
  node.state.Write("state", "rot");
  StartAgent("alpha", node);
  EXPECT_TRUE(EventuallyHas("STATE_RESTORED"));
  EXPECT_TRUE(EventuallyOnline("alpha", "0-2"));
  ASSERT_TRUE(Delete("park").ok());
  EXPECT_TRUE(EventuallyOnline("alpha", "0-3"));
}

}  // namespace
}  // namespace hotplugger
