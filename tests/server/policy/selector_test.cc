#include "server/policy/selector.h"

#include <gtest/gtest.h>

#include "tests/fakes/proto_text.h"

namespace hotplugger::server {
namespace {

struct Case {
  std::string name;
  std::string selector;
  bool matches;
};

class SelectorTest : public ::testing::TestWithParam<Case> {};

TEST_P(SelectorTest, MatchesNodeN1) {
  EXPECT_EQ(Matches(testing::FromText<v1::Selector>(GetParam().selector), "n1",
                    {{"pool", "lab"}, {"zone", "a"}}),
            GetParam().matches);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, SelectorTest,
    ::testing::Values(
        Case{"Empty", "", false}, Case{"Label", R"(match_labels {key: "pool" value: "lab"})", true},
        Case{"OtherValue", R"(match_labels {key: "pool" value: "la"})", false},
        Case{"NoSuchLabel", R"(match_labels {key: "rack" value: ""})", false},
        Case{"AllLabels",
             R"(match_labels {key: "pool" value: "lab"} match_labels {key: "zone" value: "a"})",
             true},
        Case{"OneLabelOfTwo",
             R"(match_labels {key: "pool" value: "lab"} match_labels {key: "zone" value: "b"})",
             false},
        Case{"Name", R"(nodes: "n0" nodes: "n1")", true}, Case{"OtherName", R"(nodes: "n")", false},
        Case{"NameAndLabel", R"(nodes: "n1" match_labels {key: "pool" value: "lab"})", true},
        Case{"NameButNotLabel", R"(nodes: "n1" match_labels {key: "pool" value: "x"})", false},
        Case{"LabelButNotName", R"(nodes: "n2" match_labels {key: "pool" value: "lab"})", false}),
    [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace hotplugger::server
