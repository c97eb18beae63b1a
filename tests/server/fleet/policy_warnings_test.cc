#include "server/fleet/policy_warnings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "tests/fakes/proto_text.h"

namespace hotplugger::server {
namespace {

using testing::FromText;
using ::testing::HasSubstr;

constexpr char kHost[] = R"(
  cpus_present: "0-3" cpus_online: "0-3"
  smt {control: SMT_CONTROL_ON active: true}
  memory {block_size_bytes: 134217728 blocks_present: "0-15" blocks_online: "0-13"
          blocks_movable: "8-13"})";

NodeSnapshot Node(const std::string& name, const std::string& inventory) {
  NodeSnapshot node;
  node.name = name;
  node.identity = std::make_shared<const NodeIdentity>();
  node.inventory = std::make_shared<const v1::Inventory>(FromText<v1::Inventory>(inventory));
  return node;
}

struct Case {
  std::string name;
  std::string policy;
  std::string inventory;
  // A part of the one warning; empty: there is none.
  std::string warning;
};

class PolicyWarningsTest : public ::testing::TestWithParam<Case> {};

TEST_P(PolicyWarningsTest, TellsWhatNodesLack) {
  const std::vector<NodeSnapshot> nodes = {Node("n1", GetParam().inventory)};
  const auto warnings = FindPolicyWarnings(FromText<v1::Policy>(GetParam().policy), nodes, nodes);
  if (GetParam().warning.empty()) {
    EXPECT_THAT(warnings, ::testing::IsEmpty());
    return;
  }
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_THAT(warnings[0], HasSubstr(GetParam().warning));
  EXPECT_THAT(warnings[0], HasSubstr("1 of 1 matched nodes, n1"));
}

INSTANTIATE_TEST_SUITE_P(
    Cases, PolicyWarningsTest,
    ::testing::Values(
        Case{"SmtThere", "cpu {smt: SMT_CONTROL_OFF}", kHost, ""},
        Case{"SmtUnknown", "cpu {smt: SMT_CONTROL_OFF}", R"(cpus_present: "0")",
             "no control of SMT"},
        Case{"NoSmt", "cpu {smt: SMT_CONTROL_ON}", "smt {control: SMT_CONTROL_NOT_SUPPORTED}",
             "the CPUs there have no SMT"},
        Case{"SmtNotImplemented", "cpu {smt: SMT_CONTROL_ON}",
             "smt {control: SMT_CONTROL_NOT_IMPLEMENTED}", "can't control SMT"},
        Case{"ForcedOff", "cpu {smt: SMT_CONTROL_ON}", "smt {control: SMT_CONTROL_FORCEOFF}",
             "before a reboot"},
        Case{"ForcedOffIsOff", "cpu {smt: SMT_CONTROL_OFF}", "smt {control: SMT_CONTROL_FORCEOFF}",
             ""},
        Case{"NobodyAsksForSmt", "cpu {online_percent: 50}",
             "smt {control: SMT_CONTROL_NOT_SUPPORTED}", ""},
        Case{"AsManyCpus", "cpu {online_count: 4}", kHost, ""},
        Case{"TooFewCpus", "cpu {online_count: 5}", kHost, "there are 4 CPUs only"},
        Case{"NoMemoryHotplug", "memory {hot_add: HOT_ADD_ONLINE}", R"(cpus_present: "0")",
             "no memory hotplug"},
        Case{"BlocksThatCan", R"(memory {offline_blocks: "8-15"})", kHost, ""},
        Case{"AbsentBlocks", R"(memory {offline_blocks: "13-17"})", kHost,
             "blocks 16-17 don't exist"},
        Case{"KernelBlocks", R"(memory {offline_blocks: "7-8"})", kHost, "blocks 7 aren't movable"},
        Case{"EnoughMemory", R"(memory {offline_bytes: "1Gi"})", kHost, ""},
        Case{"TooLittleMemory", R"(memory {offline_bytes: "1025Mi"})", kHost, "1Gi at most"},
        Case{"LongListsAreCut",
             absl::StrCat(R"(memory {offline_blocks: "16)",
                          [] {
                            std::string list;
                            for (int i = 9; i < 500; ++i) absl::StrAppend(&list, ",", 2 * i);
                            return list;
                          }(),
                          "\"}"),
             kHost, "…"}),
    [](const auto& test) { return test.param.name; });

TEST(PolicyWarningsSumsTest, CountsNodesOfOneProblem) {
  const std::vector<NodeSnapshot> nodes = {Node("n1", kHost), Node("n2", kHost),
                                           Node("n3", R"(cpus_present: "0-7")")};
  const auto warnings =
      FindPolicyWarnings(FromText<v1::Policy>("cpu {online_count: 6}"), nodes, nodes);
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_THAT(warnings[0], HasSubstr("2 of 3 matched nodes, n1, n2"));
}

}  // namespace
}  // namespace hotplugger::server
