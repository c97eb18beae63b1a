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
        Case{"Pattern", R"(nodes: "n?")", true}, Case{"PatternOfMany", R"(nodes: "*")", true},
        Case{"OtherPattern", R"(nodes: "m*")", false},
        Case{"PatternIsWhole", R"(nodes: "?")", false},
        Case{"In",
             R"(match_expressions {key: "pool" operator: OPERATOR_IN values: "a" values: "lab"})",
             true},
        Case{"NotAmong", R"(match_expressions {key: "pool" operator: OPERATOR_IN values: "a"})",
             false},
        Case{"InWithoutLabel",
             R"(match_expressions {key: "rack" operator: OPERATOR_IN values: ""})", false},
        Case{"NotIn", R"(match_expressions {key: "pool" operator: OPERATOR_NOT_IN values: "a"})",
             true},
        Case{"NotInButIs",
             R"(match_expressions {key: "pool" operator: OPERATOR_NOT_IN values: "lab"})", false},
        Case{"NotInWithoutLabel",
             R"(match_expressions {key: "rack" operator: OPERATOR_NOT_IN values: "a"})", true},
        Case{"Exists", R"(match_expressions {key: "zone" operator: OPERATOR_EXISTS})", true},
        Case{"ExistsNot", R"(match_expressions {key: "rack" operator: OPERATOR_EXISTS})", false},
        Case{"DoesNotExist", R"(match_expressions {key: "rack" operator: OPERATOR_DOES_NOT_EXIST})",
             true},
        Case{"DoesNotExistButDoes",
             R"(match_expressions {key: "zone" operator: OPERATOR_DOES_NOT_EXIST})", false},
        Case{"UnknownOperator", R"(match_expressions {key: "zone"})", false},
        Case{"AllExpressions",
             R"(match_expressions {key: "zone" operator: OPERATOR_EXISTS}
                match_expressions {key: "pool" operator: OPERATOR_IN values: "a"})",
             false},
        Case{"ExpressionAndPattern",
             R"(match_expressions {key: "zone" operator: OPERATOR_EXISTS} nodes: "n*")", true},
        Case{"ExpressionButNotPattern",
             R"(match_expressions {key: "zone" operator: OPERATOR_EXISTS} nodes: "m*")", false},
        Case{"LabelButNotName", R"(nodes: "n2" match_labels {key: "pool" value: "lab"})", false}),
    [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace hotplugger::server
