#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "client/system_surroundings.h"
#include "tests/fakes/fake_surroundings.h"

namespace hotplugger::client {
namespace {

TEST(SurroundingsTest, ColoursAreForTerminalsThatCanAndPeopleWhoWant) {
  FakeSurroundings surroundings;
  EXPECT_FALSE(WantsColours(surroundings));
  surroundings.is_terminal = true;
  EXPECT_TRUE(WantsColours(surroundings));
  surroundings.variables["NO_COLOR"] = "";
  EXPECT_TRUE(WantsColours(surroundings)) << "empty is as good as none";
  surroundings.variables["NO_COLOR"] = "0";
  EXPECT_FALSE(WantsColours(surroundings)) << "whatever the value";
  surroundings.variables.clear();
  surroundings.variables["TERM"] = "dumb";
  EXPECT_FALSE(WantsColours(surroundings));
}

TEST(SystemSurroundingsTest, RequestIdsAreRandomUuids) {
  const auto surroundings = MakeSystemSurroundings();
  std::set<std::string> seen;
  for (int i = 0; i < 100; ++i) {
    const std::string id = surroundings->NewRequestId();
    EXPECT_THAT(id, testing::MatchesRegex(
                        "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"));
    EXPECT_TRUE(seen.insert(id).second);
  }
}

TEST(SystemSurroundingsTest, TheAuthorIsAUserAtAHost) {
  EXPECT_THAT(MakeSystemSurroundings()->Author(), testing::MatchesRegex("[^@]+@[^@]+"));
}

TEST(SystemSurroundingsTest, ReadsTheEnvironment) {
  const auto surroundings = MakeSystemSurroundings();
  EXPECT_FALSE(surroundings->Variable("HOTPLUGGER_NO_SUCH_VARIABLE").has_value());
  EXPECT_TRUE(surroundings->Variable("PATH").has_value());
}

}  // namespace
}  // namespace hotplugger::client
