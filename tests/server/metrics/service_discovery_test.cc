#include "server/metrics/service_discovery.h"

#include <gmock/gmock.h>
#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "common/error_info.h"
#include "tests/server/metrics/metrics_fixture.h"

namespace hotplugger::server {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

struct Target {
  std::string address;
  std::map<std::string, std::string> labels;
};

class ServiceDiscoveryTest : public MetricsFixture {
 protected:
  // What a reader of JSON makes of it.
  std::vector<Target> Discover() {
    const std::string json = DiscoverAgents(registry_.get());
    google::protobuf::ListValue list;
    const auto parsed = google::protobuf::util::JsonStringToMessage(json, &list);
    EXPECT_TRUE(parsed.ok()) << parsed.ToString() << json;
    std::vector<Target> targets;
    for (const google::protobuf::Value& item : list.values()) {
      const auto& fields = item.struct_value().fields();
      EXPECT_EQ(fields.size(), 2u);
      const auto& addresses = fields.at("targets").list_value();
      EXPECT_EQ(addresses.values_size(), 1);
      Target& target = targets.emplace_back();
      target.address = addresses.values(0).string_value();
      for (const auto& [name, value] : fields.at("labels").struct_value().fields()) {
        EXPECT_EQ(value.kind_case(), google::protobuf::Value::kStringValue) << name;
        target.labels[name] = value.string_value();
      }
    }
    return targets;
  }
};

TEST_F(ServiceDiscoveryTest, NobodyIsAnEmptyList) {
  EXPECT_THAT(Discover(), IsEmpty());
  Connect("serves-none");
  EXPECT_THAT(Discover(), IsEmpty());
}

TEST_F(ServiceDiscoveryTest, ListsAllThatServeByName) {
  Connect("b", R"(metrics_address: "b.example:9416" agent_version: "0.1.0"
                  labels {key: "zone" value: "eu1"} labels {key: "a/b" value: "1"}
                  labels {key: "a.b" value: "2"})");
  Connect("serves-none");
  registry_->Restore("a", {{"zone", "eu2"}}, "[::1]:9416");
  v1::Hello stranger;
  stranger.set_node("0-stranger");
  stranger.set_metrics_address("stranger:9416");
  registry_->NoteTurnedAway(
      stranger, MakeError(absl::StatusCode::kFailedPrecondition, "FLEET_MISMATCH", "of others"));
  const std::vector<Target> targets = Discover();
  ASSERT_EQ(targets.size(), 2u);
  EXPECT_EQ(targets[0].address, "[::1]:9416");
  EXPECT_THAT(targets[0].labels, ElementsAre(Pair("__meta_hotplugger_agent_version", ""),
                                             Pair("__meta_hotplugger_connected", "false"),
                                             Pair("__meta_hotplugger_label_zone", "eu2"),
                                             Pair("__meta_hotplugger_node", "a")));
  EXPECT_EQ(targets[1].address, "b.example:9416");
  EXPECT_THAT(targets[1].labels, ElementsAre(Pair("__meta_hotplugger_agent_version", "0.1.0"),
                                             Pair("__meta_hotplugger_connected", "true"),
                                             // Of "a.b" and "a/b" the first.
                                             Pair("__meta_hotplugger_label_a_b", "2"),
                                             Pair("__meta_hotplugger_label_zone", "eu1"),
                                             Pair("__meta_hotplugger_node", "b")));
}

TEST_F(ServiceDiscoveryTest, IsAsTheDocumentShowsIt) {
  registry_->Restore("node1", {{"zone", "eu1"}}, "node1:9416");
  EXPECT_EQ(DiscoverAgents(registry_.get()),
            "[\n"
            "{\"targets\": [\"node1:9416\"], \"labels\": {\"__meta_hotplugger_node\": \"node1\", "
            "\"__meta_hotplugger_agent_version\": \"\", \"__meta_hotplugger_connected\": "
            "\"false\", \"__meta_hotplugger_label_zone\": \"eu1\"}}]\n");
}

TEST_F(ServiceDiscoveryTest, ADisconnectedOneStaysAndADeletedOneGoes) {
  FakeAgent agent = Connect("n1", "metrics_address: \"n1:9416\"");
  agent.session->OnClosed(agent.link.get());
  ASSERT_EQ(Discover().size(), 1u);
  EXPECT_EQ(Discover()[0].labels.at("__meta_hotplugger_connected"), "false");
  // The store has it too.
  Start();
  ASSERT_EQ(Discover().size(), 1u);
  EXPECT_EQ(Discover()[0].address, "n1:9416");
  DeleteNode("n1");
  EXPECT_THAT(Discover(), IsEmpty());
}

TEST_F(ServiceDiscoveryTest, HostileWordsAreValidJson) {
  const std::map<std::string, std::string> words = {{"k1", "a\"b"},
                                                    {"k2", "a\\b"},
                                                    {"k3", "a\nb\t\x01\x1f\x7f"},
                                                    {"k4", "a\xff"},
                                                    {"k5", "\"}]}], \"x\": "},
                                                    {"k6", std::string("a\0b", 3)},
                                                    {"k7", "</script>\u2028日本"}};
  registry_->Restore("n1", {words.begin(), words.end()}, "\"n1\\:9416");
  const std::vector<Target> targets = Discover();
  ASSERT_EQ(targets.size(), 1u);
  EXPECT_EQ(targets[0].address, "\"n1\\:9416");
  for (const auto& [key, word] : words) {
    const std::string& value = targets[0].labels.at("__meta_hotplugger_label_" + key);
    EXPECT_EQ(value, key == "k4" ? "a\uFFFD" : word);
  }
}

TEST_F(ServiceDiscoveryTest, GoesThroughLargeFleetsPageByPage) {
  max_nodes_ = 5000;
  Start();
  for (int i = 0; i < 1500; ++i) {
    const std::string name = absl::StrCat("n", 10'000 + i);
    registry_->Restore(name, {}, name + ":9416");
  }
  const std::vector<Target> targets = Discover();
  ASSERT_EQ(targets.size(), 1500u);
  for (int i = 0; i < 1500; ++i) {
    EXPECT_EQ(targets[static_cast<size_t>(i)].address, absl::StrCat("n", 10'000 + i, ":9416"));
  }
}

}  // namespace
}  // namespace hotplugger::server
