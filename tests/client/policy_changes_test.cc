#include "client/policy_changes.h"

#include <gtest/gtest.h>

#include "google/protobuf/text_format.h"

namespace hotplugger::client {
namespace {

std::string Changes(const std::string& before, const std::string& after) {
  v1::Policy old_policy;
  v1::Policy new_policy;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(before, &old_policy)) << before;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(after, &new_policy)) << after;
  return DescribeChanges(old_policy, new_policy);
}

TEST(PolicyChangesTest, NamesEachFieldWithBothValues) {
  EXPECT_EQ(
      Changes("name: 'a' priority: 1 cpu { offline: '2-3' }",
              "name: 'a' cpu { offline: '2-5' smt: SMT_CONTROL_OFF } confirm { seconds: 30 }"),
      "cpu.offline: 2-3 to 2-5, cpu.smt: none to off, confirm: none to 30s, "
      "priority: 1 to none");
}

TEST(PolicyChangesTest, ListsAndLabelsAreShownWhole) {
  EXPECT_EQ(Changes("selector { nodes: 'a' match_labels { key: 'pool' value: 'x' } }",
                    "selector { nodes: ['a', 'web-*'] match_labels { key: 'pool' value: 'y' } "
                    "match_expressions { key: 'gpu' operator: OPERATOR_EXISTS } }"),
            "selector.matchLabels.pool: x to y, selector.nodes: [a] to [a, web-*], "
            "selector.matchExpressions: none to [{key: gpu, operator: Exists}]");
}

TEST(PolicyChangesTest, WhatTheControllerSetsIsNoChange) {
  EXPECT_EQ(Changes("name: 'a' revision: 1 etag: 'x' update_time { seconds: 1 }",
                    "name: 'a' revision: 2 etag: 'y' update_time { seconds: 2 }"),
            "nothing");
}

TEST(PolicyChangesTest, LongOnesAreCutAndCounted) {
  EXPECT_EQ(Changes("",
                    "priority: 1 cpu { offline: '1' } memory { offline_bytes: '4Gi' } drift: "
                    "DRIFT_MODE_REPORT on_release: RELEASE_MODE_LEAVE confirm { seconds: 5 }"),
            "priority: none to 1, cpu.offline: none to 1, memory.offlineBytes: none to 4Gi, "
            "drift: none to report, and 2 more");
  EXPECT_EQ(Changes("", "cpu { offline: '0,2,4,6,8,10,12,14,16,18,20,22,24,26,28,30,32,34' }"),
            "cpu.offline: none to 0,2,4,6,8,10,12,14,16,18,20,22,24,26,28,…");
}

}  // namespace
}  // namespace hotplugger::client
