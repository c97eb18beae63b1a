#include "client/list_filter.h"

#include <gtest/gtest.h>

#include "tests/client/command_line_fixture.h"

namespace hotplugger::client {
namespace {

bool NodeMatches(const std::string& filter, const std::string& node) {
  return MatchesFilter(Proto<v1::NodeFilter>(filter), Proto<v1::Node>(node));
}

constexpr char kNode[] =
    "name: 'web-1' connected: true labels { key: 'pool' value: 'lab' } report { state: "
    "APPLY_STATE_FAILED } conditions { type: 'BASELINE_LOST' }";

struct Case {
  const char* filter;
  bool matches;
};

TEST(ListFilterTest, OfNodes) {
  const std::vector<Case> cases = {
      {"", true},
      {"connected: true", true},
      {"connected: false", false},
      {"in_sync: true", false},
      {"in_sync: false", true},
      {"states: APPLY_STATE_APPLIED states: APPLY_STATE_FAILED", true},
      {"states: APPLY_STATE_APPLIED", false},
      {"condition: 'BASELINE_LOST'", true},
      {"condition: 'TURNED_AWAY'", false},
      {"selector { nodes: 'db' nodes: 'web-*' }", true},
      {"selector { nodes: 'db' }", false},
      {"selector { match_labels { key: 'pool' value: 'lab' } }", true},
      {"selector { match_labels { key: 'pool' value: 'web' } }", false},
      {"selector { match_labels { key: 'zone' value: '' } }", false},
      {"selector { match_expressions { key: 'pool' operator: OPERATOR_IN values: 'lab' } }", true},
      {"selector { match_expressions { key: 'pool' operator: OPERATOR_NOT_IN values: 'lab' } }",
       false},
      {"selector { match_expressions { key: 'zone' operator: OPERATOR_NOT_IN values: 'a' } }",
       true},
      {"selector { match_expressions { key: 'zone' operator: OPERATOR_EXISTS } }", false},
      {"selector { match_expressions { key: 'zone' operator: OPERATOR_DOES_NOT_EXIST } }", true},
      {"selector { match_labels { key: 'pool' value: 'lab' } nodes: 'db' }", false}};
  for (const Case& entry : cases) {
    EXPECT_EQ(NodeMatches(entry.filter, kNode), entry.matches) << entry.filter;
  }
}

TEST(ListFilterTest, OfPolicies) {
  const auto matches = [](const std::string& filter) {
    return MatchesFilter(Proto<v1::PolicyFilter>(filter), Proto<v1::Policy>("name: 'park-lab'"));
  };
  EXPECT_TRUE(matches(""));
  EXPECT_TRUE(matches("name: 'park-*'"));
  EXPECT_FALSE(matches("name: 'park'"));
}

TEST(ListFilterTest, OfHolds) {
  const auto matches = [](const std::string& filter) {
    return MatchesFilter(
        Proto<v1::HoldFilter>(filter),
        Proto<v1::Hold>("node: 'web-1' subject: 'driver/x' author: 'ada' ticket: 'OPS-1' "
                        "expire_time { seconds: 100 }"));
  };
  EXPECT_TRUE(matches(""));
  EXPECT_TRUE(matches("node: 'web-?' subject: 'driver/*' author: 'ada' ticket: 'OPS-1'"));
  EXPECT_FALSE(matches("node: 'db'"));
  EXPECT_FALSE(matches("subject: 'cpu*'"));
  EXPECT_FALSE(matches("author: 'a'"));
  EXPECT_FALSE(matches("ticket: 'OPS-2'"));
  EXPECT_TRUE(matches("expires_before { seconds: 101 }"));
  EXPECT_FALSE(matches("expires_before { seconds: 100 }"));
  EXPECT_FALSE(MatchesFilter(Proto<v1::HoldFilter>("expires_before { seconds: 100 }"), v1::Hold()))
      << "it never ends";
}

}  // namespace
}  // namespace hotplugger::client
