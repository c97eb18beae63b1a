// A controller whose store is not the one that the agents know takes nothing from the fleet, and
// gives nothing back (DESIGN 12).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "absl/strings/str_cat.h"
#include "tests/integration/fleet_fixture.h"

namespace hotplugger {
namespace {

using ::testing::HasSubstr;

class FleetIdentityTest : public FleetTest {
 protected:
  // A node with CPUs parked, whose controller is gone.
  TestNode& ParkAndStop() {
    TestNode& node = AddNode("alpha", {{"pool", "lab"}});
    EXPECT_TRUE(Apply(ParkPolicy("2-3")).ok());
    EXPECT_TRUE(EventuallyOnline("alpha", "0-1"));
    StopController();
    node.agent.reset();
    return node;
  }

  void LoseStore() {
    for (const char* file : {"controller.db", "controller.db-wal", "controller.db-shm"}) {
      std::filesystem::remove(dir_.Path(file));
    }
  }

  // With what SQLite has not moved into the file yet.
  void CopyStore(const std::string& from, const std::string& to) {
    for (const char* suffix : {"", "-wal"}) {
      const std::string source = absl::StrCat(dir_.Path(from), suffix);
      if (!std::filesystem::exists(source)) continue;
      std::filesystem::copy_file(source, absl::StrCat(dir_.Path(to), suffix),
                                 std::filesystem::copy_options::overwrite_existing);
    }
  }

  void Restart(int times) {
    for (int i = 0; i < times; ++i) {
      StopController();
      StartController(port_);
    }
  }

  // Waits until the node is turned away, and gives the reason; the agent has started anew before.
  std::string TurnedAway(const std::string& name) {
    std::string message;
    EXPECT_TRUE(Eventually(name, [&message](const v1::Node& node) {
      if (node.conditions().empty() || node.conditions(0).type() != "TURNED_AWAY") return false;
      message = node.conditions(0).message();
      return !node.connected();
    }));
    return message;
  }
};

TEST_F(FleetIdentityTest, ALostStoreIsNotObeyedUntilAPersonSaysSo) {
  TestNode& node = ParkAndStop();
  LoseStore();
  // Often enough for its epoch to be beyond the last one.
  StartController(port_);
  Restart(3);
  StartAgent("alpha", node);
  const std::string message = TurnedAway("alpha");
  EXPECT_THAT(message, HasSubstr("--take-over="));
  EXPECT_EQ(node.host.online(), (CpuSet{0, 1}));
  // As the message says: first the policies, then the take-over.
  ASSERT_TRUE(Apply(ParkPolicy("3")).ok());
  StopController();
  node.agent.reset();
  const size_t at = message.find("--take-over=") + std::string("--take-over=").size();
  StartController(port_, message.substr(at, message.find(' ', at) - at));
  StartAgent("alpha", node);
  EXPECT_TRUE(EventuallyOnline("alpha", "0-2"));
}

TEST_F(FleetIdentityTest, AnOlderCopyOfTheStoreIsNotObeyed) {
  StopController();
  const auto copy = dir_.Path("older.db");
  std::filesystem::copy_file(dir_.Path("controller.db"), copy);
  StartController(port_);
  TestNode& node = ParkAndStop();
  LoseStore();
  std::filesystem::copy_file(copy, dir_.Path("controller.db"));
  StartController(port_);
  Restart(2);
  StartAgent("alpha", node);
  EXPECT_THAT(TurnedAway("alpha"), HasSubstr("copy"));
  EXPECT_EQ(node.host.online(), (CpuSet{0, 1}));
}

// A backup as people make them: while the controller runs, with no start after it.
TEST_F(FleetIdentityTest, ABackupLeadsTheNodesAloneThatHaveNothingNewer) {
  TestNode& alpha = AddNode("alpha", {{"pool", "lab"}});
  TestNode& beta = AddNode("beta", {{"pool", "other"}});
  ASSERT_TRUE(Apply(ParkPolicy("3")).ok());
  ASSERT_TRUE(EventuallyOnline("alpha", "0-2"));
  ASSERT_TRUE(EventuallyOnline("beta", "0-3"));
  CopyStore("controller.db", "backup.db");
  ASSERT_TRUE(Apply(ParkPolicy("2-3")).ok());
  ASSERT_TRUE(EventuallyOnline("alpha", "0-1"));
  StopController();
  alpha.agent.reset();
  beta.agent.reset();
  LoseStore();
  CopyStore("backup.db", "controller.db");
  StartController(port_);
  StartAgent("alpha", alpha);
  StartAgent("beta", beta);
  EXPECT_THAT(TurnedAway("alpha"), HasSubstr("older copy"));
  EXPECT_EQ(alpha.host.online(), (CpuSet{0, 1}));
  EXPECT_TRUE(EventuallyOnline("beta", "0-3"));
}

TEST_F(FleetIdentityTest, AHostThatChangesFleetsKeepsWhatItHasToPutBack) {
  TestNode& node = ParkAndStop();
  LoseStore();
  StartController(port_);
  StartAgent("alpha", node, controller_->fleet_id());
  // The other fleet has no policy for it.
  EXPECT_TRUE(EventuallyOnline("alpha", "0-3"));
}

}  // namespace
}  // namespace hotplugger
