#include "client/policy_file/policy_text.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <random>

#include "client/policy_file/policy_file.h"
#include "google/protobuf/text_format.h"
#include "google/protobuf/util/message_differencer.h"

namespace hotplugger::client {
namespace {

using google::protobuf::util::MessageDifferencer;

v1::Policy ParsePolicy(const std::string& text) {
  v1::Policy policy;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &policy)) << text;
  return policy;
}

// Every field that a file may set.
constexpr char kEverything[] = R"pb(
  name: "lab"
  priority: -5
  selector {
    match_labels { key: "rack" value: "007" }
    match_labels { key: "pool" value: "" }
    nodes: [ "web-*", "10" ]
    match_expressions {
      key: "pool"
      operator: OPERATOR_NOT_IN
      values: [ "a", "no" ]
    }
    match_expressions { key: "old" operator: OPERATOR_DOES_NOT_EXIST }
  }
  drivers {
    active: "alucard"
    stopped: "mpd"
    whitelist {
      key: "alucard"
      value { drivers: "*" }
    }
    switching: SWITCH_OFF
  }
  cpu { offline: "2-3,8" smt: SMT_CONTROL_FORCEOFF irreversible: true hot_add: HOT_ADD_ONLINE }
  memory { offline_bytes: "4Gi" hot_add: HOT_ADD_ONLINE_MOVABLE }
  drift: DRIFT_MODE_REPORT
  confirm { seconds: 90 }
  on_release: RELEASE_MODE_LEAVE
  etag: "e-1"
)pb";

TEST(PolicyTextTest, HasOneForm) {
  v1::Policy policy = ParsePolicy(kEverything);
  policy.set_revision(7);
  policy.mutable_update_time()->set_seconds(1);
  EXPECT_EQ(FormatPolicy(policy),
            "apiVersion: hotplugger/v1\n"
            "kind: Policy\n"
            "name: lab\n"
            "priority: -5\n"
            "selector:\n"
            "  matchLabels:\n"
            "    pool: \"\"\n"
            "    rack: \"007\"\n"
            "  nodes:\n"
            "  - \"web-*\"\n"
            "  - \"10\"\n"
            "  matchExpressions:\n"
            "  - key: pool\n"
            "    operator: NotIn\n"
            "    values:\n"
            "    - a\n"
            "    - \"no\"\n"
            "  - key: old\n"
            "    operator: DoesNotExist\n"
            "drivers:\n"
            "  active:\n"
            "  - alucard\n"
            "  stopped:\n"
            "  - mpd\n"
            "  whitelist:\n"
            "    alucard:\n"
            "    - \"*\"\n"
            "  switching: \"off\"\n"
            "cpu:\n"
            "  offline: \"2-3,8\"\n"
            "  smt: forceoff\n"
            "  irreversible: true\n"
            "  hotAdd: online\n"
            "memory:\n"
            "  offlineBytes: \"4Gi\"\n"
            "  hotAdd: online_movable\n"
            "drift: report\n"
            "confirm: \"1m30s\"\n"
            "onRelease: leave\n"
            "etag: e-1\n");
}

TEST(PolicyTextTest, IsReadBackAsItWas) {
  for (const char* text :
       {kEverything, "name: 'a' cpu { online_count: 16 }", "name: 'a' cpu {} selector {}",
        "name: 'a' cpu { online_percent: 50 } confirm { seconds: 5 nanos: 250000000 }",
        "name: 'a' drift: DRIFT_MODE_ENFORCE on_release: RELEASE_MODE_RESTORE",
        "name: 'true' selector { match_labels { key: '1' value: '\"a\\\\b: #' } }"}) {
    const v1::Policy policy = ParsePolicy(text);
    const auto read = ParsePolicies("p.yaml", FormatPolicy(policy));
    ASSERT_TRUE(read.ok()) << read.status();
    ASSERT_EQ(read->size(), 1u);
    EXPECT_TRUE(MessageDifferencer::Equals(read->front(), policy)) << FormatPolicy(policy);
  }
}

TEST(PolicyTextTest, AnyTextIsReadBackAsItWas) {
  std::mt19937 random(42);  // the same in every run
  for (int round = 0; round < 500; ++round) {
    v1::Policy policy;
    policy.set_name("a");
    std::string value(random() % 20, ' ');
    for (char& byte : value) byte = static_cast<char>(' ' + random() % ('~' - ' ' + 1));
    (*policy.mutable_selector()->mutable_match_labels())["key"] = value;
    const auto read = ParsePolicies("p.yaml", FormatPolicy(policy));
    ASSERT_TRUE(read.ok()) << read.status();
    EXPECT_EQ(read->front().selector().match_labels().at("key"), value);
  }
}

TEST(PolicyTextTest, EveryExampleIsReadBackAsItWas) {
  for (const auto& entry : std::filesystem::directory_iterator(HOTPLUGGER_SOURCE_DIR "/examples")) {
    if (entry.path().extension() != ".yaml") continue;
    const auto policies = ReadPolicyFile(entry.path());
    ASSERT_TRUE(policies.ok()) << policies.status();
    const auto read = ParsePolicies("p.yaml", FormatPolicy(policies->front()));
    ASSERT_TRUE(read.ok()) << entry.path() << ": " << read.status();
    EXPECT_TRUE(MessageDifferencer::Equals(read->front(), policies->front())) << entry.path();
  }
}

}  // namespace
}  // namespace hotplugger::client
