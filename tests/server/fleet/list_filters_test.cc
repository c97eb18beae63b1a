// What lists leave out, and that a page token is good for its own list alone.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "common/error_info.h"
#include "server/fleet/node_filter.h"
#include "server/fleet/policy_filter.h"
#include "tests/fakes/proto_text.h"
#include "tests/server/fleet/fleet_fixture.h"

namespace hotplugger::server {
namespace {

using ::testing::ElementsAre;
using testing::FromText;
using ::testing::IsEmpty;

// The fields that are wrong.
template <typename Filter>
std::vector<std::string> Wrong(const std::string& text) {
  Violations violations;
  CheckFilter(FromText<Filter>(text), &violations);
  std::vector<std::string> fields;
  for (const FieldViolation& violation : violations) fields.push_back(violation.field);
  return fields;
}

class NodeFilterTest : public ::testing::Test {
 protected:
  NodeFilterTest() {
    auto identity = std::make_shared<NodeIdentity>();
    identity->labels = {{"pool", "lab"}};
    node_.name = "n1";
    node_.identity = identity;
  }

  bool Meets(const std::string& filter, const v1::Selector* of_policy = nullptr) const {
    return MeetsFilter(node_, FromText<v1::NodeFilter>(filter), of_policy);
  }

  NodeSnapshot node_;
};

TEST_F(NodeFilterTest, BySelectorAndPolicy) {
  EXPECT_TRUE(Meets(""));
  EXPECT_TRUE(Meets(R"(selector {nodes: "n?"})"));
  EXPECT_TRUE(Meets(R"(selector {match_labels {key: "pool" value: "lab"}})"));
  EXPECT_FALSE(Meets(R"(selector {match_labels {key: "pool" value: "web"}})"));
  const auto others = FromText<v1::Selector>(R"(nodes: "m1")");
  EXPECT_FALSE(Meets(R"(policy: "p")", &others));
  EXPECT_FALSE(Meets(R"(policy: "p" selector {nodes: "n1"})", &others)) << "all must hold";
}

TEST_F(NodeFilterTest, ByConnection) {
  EXPECT_TRUE(Meets("connected: false"));
  EXPECT_FALSE(Meets("connected: true"));
  EXPECT_TRUE(Meets("in_sync: false"));
  node_.connected = true;
  auto desired = std::make_shared<Resolution>();
  desired->digest = "d";
  node_.desired = desired;
  node_.applied_digest = "d";
  EXPECT_TRUE(Meets("connected: true in_sync: true"));
  EXPECT_FALSE(Meets("in_sync: false"));
}

TEST_F(NodeFilterTest, ByState) {
  EXPECT_FALSE(Meets("states: APPLY_STATE_FAILED")) << "it has not reported";
  auto report = std::make_shared<v1::NodeReport>();
  report->set_state(v1::APPLY_STATE_FAILED);
  node_.report = report;
  EXPECT_TRUE(Meets("states: APPLY_STATE_REVERTED states: APPLY_STATE_FAILED"));
  EXPECT_FALSE(Meets("states: APPLY_STATE_APPLIED"));
}

TEST_F(NodeFilterTest, ByConditionWhoeverFoundIt) {
  EXPECT_FALSE(Meets(R"(condition: "TURNED_AWAY")"));
  node_.conditions.push_back(FromText<v1::NodeCondition>(R"(type: "TURNED_AWAY")"));
  node_.inventory =
      std::make_shared<v1::Inventory>(FromText<v1::Inventory>(R"(conditions {type: "OLD"})"));
  EXPECT_TRUE(Meets(R"(condition: "TURNED_AWAY")"));
  EXPECT_TRUE(Meets(R"(condition: "OLD")"));
  EXPECT_FALSE(Meets(R"(condition: "TURNED")"));
}

TEST_F(NodeFilterTest, NamesWhatIsWrong) {
  const auto wrong = Wrong<v1::NodeFilter>;
  EXPECT_THAT(wrong(R"(condition: "NAME_IN_USE2" policy: "p" states: APPLY_STATE_APPLIED
                       selector {nodes: "n*"})"),
              IsEmpty());
  EXPECT_THAT(wrong("selector {}"), ElementsAre("filter.selector"));
  EXPECT_THAT(wrong(R"(selector {match_expressions {key: "a"}})"),
              ElementsAre("filter.selector.match_expressions[0].operator"));
  EXPECT_THAT(wrong(R"(policy: "P")"), ElementsAre("filter.policy"));
  EXPECT_THAT(wrong("states: APPLY_STATE_APPLIED states: APPLY_STATE_UNSPECIFIED"),
              ElementsAre("filter.states[1]"));
  EXPECT_THAT(wrong(R"(condition: "turned away")"), ElementsAre("filter.condition"));
}

TEST(PolicyFilterTest, ByNameAndNode) {
  const auto policy = FromText<v1::Policy>(R"(name: "park-web" selector {nodes: "n1"})");
  const auto meets = [&policy](const std::string& filter, const NodeSnapshot* node = nullptr) {
    return MeetsFilter(policy, FromText<v1::PolicyFilter>(filter), node);
  };
  EXPECT_TRUE(meets(""));
  EXPECT_TRUE(meets(R"(name: "park-web")"));
  EXPECT_TRUE(meets(R"(name: "park-*")"));
  EXPECT_FALSE(meets(R"(name: "park")"));
  NodeSnapshot node;
  node.name = "n1";
  node.identity = std::make_shared<NodeIdentity>();
  EXPECT_TRUE(meets(R"(node: "n1")", &node));
  node.name = "n2";
  EXPECT_FALSE(meets(R"(node: "n2")", &node));
}

TEST(PolicyFilterTest, NamesWhatIsWrong) {
  const auto wrong = Wrong<v1::PolicyFilter>;
  EXPECT_THAT(wrong(R"(name: "a-*" node: "n.1")"), IsEmpty());
  EXPECT_THAT(wrong(R"(name: "A" node: "n*")"), ElementsAre("filter.name", "filter.node"));
}

TEST(HoldFilterTest, ByEachOfItsFields) {
  const auto hold = FromText<v1::Hold>(
      R"(node: "web-1" subject: "driver/alucard" author: "ann" ticket: "OPS-1"
         expire_time {seconds: 100})");
  const auto meets = [&hold](const std::string& filter) {
    return MeetsFilter(hold, FromText<v1::HoldFilter>(filter));
  };
  EXPECT_TRUE(meets(""));
  EXPECT_TRUE(meets(R"(node: "web-1" subject: "driver/Alucard" author: "ann" ticket: "OPS-1")"));
  EXPECT_TRUE(meets(R"(node: "web-*" subject: "driver/*")"));
  for (const char* other : {R"(node: "web-2")", R"(subject: "cpu*")", R"(subject: "cpu1")",
                            R"(author: "an")", R"(ticket: "OPS-10")"}) {
    EXPECT_FALSE(meets(other)) << other;
  }
  EXPECT_TRUE(meets("expires_before {seconds: 101}"));
  EXPECT_FALSE(meets("expires_before {seconds: 100}"));
  EXPECT_FALSE(MeetsFilter(v1::Hold(), FromText<v1::HoldFilter>("expires_before {seconds: 1}")))
      << "it does not end by itself";
}

TEST(HoldFilterTest, NamesWhatIsWrong) {
  const auto wrong = Wrong<v1::HoldFilter>;
  EXPECT_THAT(wrong(R"(node: "n*" subject: "container/PNP0A06:0?" author: "ann")"), IsEmpty());
  EXPECT_THAT(wrong(R"(node: "N" subject: "cpu" expires_before {seconds: -1})"),
              ElementsAre("filter.node", "filter.subject", "filter.expires_before"));
  EXPECT_THAT(wrong(R"(subject: "cpu *")"), ElementsAre("filter.subject"));
  EXPECT_THAT(wrong(absl::StrCat("author: \"", std::string(129, 'x'), "\"")),
              ElementsAre("filter.author"));
}

class FilteredListTest : public FleetFixture {
 protected:
  FilteredListTest() {
    for (const char* node : {"n1", "n2", "m1"}) agents_.push_back(Connect(node));
    for (const char* policy : {"a", "b", "c"}) {
      EXPECT_TRUE(
          Apply(absl::StrCat("name: \"", policy, "\" selector {nodes: \"",
                             policy[0] == 'b' ? "m1" : "n1", "\"} drivers {stopped: \"x\"}"))
              .ok());
    }
    for (const char* node : {"n1", "n2", "m1"}) {
      EXPECT_TRUE(SetHold(absl::StrCat("node: \"", node,
                                       "\" subject: \"cpu1\" state: DEVICE_STATE_OFFLINE"))
                      .ok());
    }
  }

  std::vector<FakeAgent> agents_;
};

TEST_F(FilteredListTest, PagesOfAFilteredList) {
  v1::ListHoldsRequest request =
      FromText<v1::ListHoldsRequest>(R"(page_size: 1 filter {node: "n*"})");
  auto page = Ask(&FleetEngine::ListHolds, request);
  ASSERT_TRUE(page.ok()) << page.status();
  EXPECT_EQ(page->holds(0).node(), "n1");
  request.set_page_token(page->next_page_token());
  page = Ask(&FleetEngine::ListHolds, request);
  ASSERT_TRUE(page.ok()) << page.status();
  EXPECT_EQ(page->holds(0).node(), "n2");
  EXPECT_EQ(page->next_page_token(), "");
}

TEST_F(FilteredListTest, PoliciesOfANode) {
  v1::ListPoliciesRequest request =
      FromText<v1::ListPoliciesRequest>(R"(page_size: 1 filter {node: "n1"})");
  auto page = Ask(&FleetEngine::ListPolicies, request);
  ASSERT_TRUE(page.ok()) << page.status();
  EXPECT_EQ(page->policies(0).name(), "a");
  request.set_page_token(page->next_page_token());
  page = Ask(&FleetEngine::ListPolicies, request);
  EXPECT_EQ(page->policies(0).name(), "c");
  EXPECT_EQ(page->next_page_token(), "");
  request.Clear();
  request.mutable_filter()->set_node("n9");
  EXPECT_EQ(ErrorReason(Ask(&FleetEngine::ListPolicies, request).status()), "NODE_NOT_FOUND");
}

// A page of another list than the first would leave out or repeat things, and nobody would see it.
TEST_F(FilteredListTest, ATokenIsGoodForItsOwnListAlone) {
  v1::ListNodesRequest request =
      FromText<v1::ListNodesRequest>(R"(page_size: 1 filter {selector {nodes: "n*"}})");
  const auto first = Ask(&FleetEngine::ListNodes, request);
  ASSERT_TRUE(first.ok()) << first.status();
  request.set_page_token(first->next_page_token());
  ASSERT_TRUE(Ask(&FleetEngine::ListNodes, request).ok());
  request.set_page_size(100);
  request.set_summary_only(true);
  EXPECT_TRUE(Ask(&FleetEngine::ListNodes, request).ok()) << "these may change";
  request.mutable_filter()->set_connected(true);
  const absl::Status other = Ask(&FleetEngine::ListNodes, request).status();
  ASSERT_EQ(ErrorFieldViolations(other).size(), 1u) << other;
  EXPECT_EQ(ErrorFieldViolations(other)[0].field, "page_token");
  v1::ListHoldsRequest holds;
  holds.set_page_token(first->next_page_token());
  EXPECT_EQ(ErrorFieldViolations(Ask(&FleetEngine::ListHolds, holds).status())[0].field,
            "page_token");
}

}  // namespace
}  // namespace hotplugger::server
