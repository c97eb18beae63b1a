#include "server/metrics/fleet_collector.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <limits>
#include <sstream>

#include "common/error_info.h"
#include "server/metrics/node_walk.h"
#include "tests/server/metrics/metrics_fixture.h"

namespace hotplugger::server {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::MetricsText;
using ::testing::Not;

class FleetCollectorTest : public MetricsFixture {
 protected:
  // Numbers that sort as their names do.
  static std::string Name(const std::string& prefix, int number) {
    return absl::StrCat(prefix, 1000 + number);
  }

  // Straight into the registry, past what a session would refuse.
  void Record(const std::string& node, const v1::Inventory& inventory,
              const v1::Hello& more = v1::Hello()) {
    v1::Hello hello = more;
    hello.set_node(node);
    hello.set_boot_id("boot-" + node);
    const auto attached = registry_->Attach(hello, std::make_shared<testing::FakeNodeLink>());
    ASSERT_TRUE(attached.ok()) << attached.status();
    registry_->RecordInventory(attached->key, inventory);
  }

  void BecomeStranger(const std::string& node) {
    v1::Hello hello;
    hello.set_node(node);
    EXPECT_TRUE(registry_->NoteTurnedAway(
        hello, MakeError(absl::StatusCode::kFailedPrecondition, "FLEET_MISMATCH", "of others")));
  }
};

// The whole text of a fleet of three nodes: one in sync, one that has refused its spec, one that is
// known from the store alone.
TEST_F(FleetCollectorTest, ShowsASmallFleet) {
  registry_->Restore("stored", {{"zone", "eu2"}});
  FakeAgent good = Connect("good", R"(agent_version: "0.1.0" labels {key: "zone" value: "eu1"}
                                      labels {key: "pool" value: "web"})");
  ASSERT_TRUE(good.Say(R"(inventory {
    cpus_present: "0-7" cpus_online: "0-3,6" kernel_release: "6.1.0"
    smt {control: SMT_CONTROL_ON active: true}
    memory {block_size_bytes: 134217728 blocks_present: "0-15" blocks_online: "0-7"}
    drivers {name: "bricked" state: DRIVER_STATE_RUNNING}
    drivers {name: "load" state: DRIVER_STATE_STOPPED}
    conditions {type: "STATE_NOT_SAVED" message: "disk full"}})")
                  .ok());
  ASSERT_TRUE(good.Say(absl::StrCat("report {digest: \"", GetNode("good").desired_digest(),
                                    R"(" state: APPLY_STATE_APPLIED drift_count: 5
    drift {subject: "cpu6" wanted: "offline" found: "online"}})"))
                  .ok());
  FakeAgent bad = Connect("bad", R"(agent_version: "0.0.9" labels {key: "zone" value: "eu1"})");
  ASSERT_TRUE(bad.Say(R"(inventory {cpus_present: "0-1" cpus_online: "0-1"
    smt {control: SMT_CONTROL_NOT_IMPLEMENTED}
    drivers {name: "bricked" state: DRIVER_STATE_UNKNOWN}})")
                  .ok());
  ASSERT_TRUE(bad.Say(absl::StrCat("report {digest: \"", std::string(64, 'a'),
                                   R"(" state: APPLY_STATE_FAILED
    items {subject: "cpu1" outcome: OUTCOME_FAILED reason: "BUSY"}
    items {subject: "driver/x" outcome: OUTCOME_REFUSED reason: "UNKNOWN"}
    items {subject: "cpu2" outcome: OUTCOME_CHANGED}})"))
                  .ok());
  std::ifstream file(HOTPLUGGER_SOURCE_DIR "/tests/server/metrics/small_fleet.txt");
  std::stringstream golden;
  golden << file.rdbuf();
  EXPECT_EQ(FleetText(), golden.str());
}

TEST_F(FleetCollectorTest, AnEmptyFleetHasItsSumsAndNoSeriesOfNodes) {
  const MetricsText text = Fleet();
  for (const char* series :
       {"hotplugger_nodes{state=\"in_sync\"}", "hotplugger_nodes{state=\"disconnected\"}",
        "hotplugger_nodes_by_apply_state{state=\"quarantined\"}",
        "hotplugger_cpus{state=\"online\"}", "hotplugger_memory_bytes{state=\"offline\"}",
        "hotplugger_drift_items", "hotplugger_nodes_without_series"}) {
    EXPECT_EQ(text.Value(series), 0) << series;
  }
  EXPECT_THAT(FleetText(), Not(HasSubstr("hotplugger_node_")));
}

TEST_F(FleetCollectorTest, ADeletedNodeLeavesNothing) {
  FakeAgent agent = Connect("n1", "labels {key: \"zone\" value: \"z-of-n1\"}");
  ASSERT_TRUE(agent.Say("inventory {drivers {name: \"d-of-n1\"}}").ok());
  agent.session->OnClosed(agent.link.get());
  EXPECT_THAT(FleetText(), HasSubstr("n1"));
  DeleteNode("n1");
  EXPECT_THAT(FleetText(), Not(HasSubstr("n1")));
  EXPECT_EQ(Fleet().Value("hotplugger_nodes{state=\"disconnected\"}"), 0);
}

TEST_F(FleetCollectorTest, StrangersCountByTheirConditionsAlone) {
  Connect("n1");
  BecomeStranger("stranger");
  const MetricsText text = Fleet();
  EXPECT_EQ(text.Value("hotplugger_nodes_with_condition{condition=\"TURNED_AWAY\"}"), 1);
  EXPECT_EQ(text.Value("hotplugger_nodes{state=\"disconnected\"}"), 0);
  EXPECT_EQ(text.Value("hotplugger_nodes_by_apply_state{state=\"none\"}"), 1);
  EXPECT_EQ(text.Value("hotplugger_agents{version=\"\"}"), 1);
  EXPECT_EQ(text.Value("hotplugger_nodes_without_series"), 0);
  EXPECT_THAT(FleetText(), Not(HasSubstr("stranger")));
}

TEST_F(FleetCollectorTest, AMemberThatIsTurnedAwayShowsItItself) {
  registry_->Restore("n1", {});
  BecomeStranger("n1");
  const MetricsText text = Fleet();
  EXPECT_EQ(text.Value("hotplugger_nodes_with_condition{condition=\"TURNED_AWAY\"}"), 1);
  EXPECT_EQ(text.Value("hotplugger_node_condition{node=\"n1\",condition=\"TURNED_AWAY\"}"), 1);
  EXPECT_EQ(text.Value("hotplugger_nodes{state=\"disconnected\"}"), 1);
  // It has never come to this controller.
  EXPECT_FALSE(text.Has("hotplugger_node_last_contact_timestamp_seconds{node=\"n1\"}"));
}

TEST_F(FleetCollectorTest, EveryApplyStateHasItsName) {
  const std::vector<std::pair<std::string, std::string>> states = {
      {"APPLYING", "applying"}, {"APPLIED", "applied"},   {"FAILED", "failed"},
      {"REFUSED", "refused"},   {"REVERTED", "reverted"}, {"QUARANTINED", "quarantined"}};
  std::vector<FakeAgent> agents;
  for (const auto& [word, name] : states) {
    agents.push_back(Connect(name));
    ASSERT_TRUE(agents.back()
                    .Say(absl::StrCat("report {digest: \"", GetNode(name).desired_digest(),
                                      "\" state: APPLY_STATE_", word, "}"))
                    .ok());
  }
  const MetricsText text = Fleet();
  for (const auto& [word, name] : states) {
    EXPECT_EQ(text.Value(absl::StrCat("hotplugger_nodes_by_apply_state{state=\"", name, "\"}")), 1)
        << name;
  }
  EXPECT_EQ(text.Value("hotplugger_nodes_by_apply_state{state=\"none\"}"), 0);
}

TEST_F(FleetCollectorTest, TheFirstNodesByNameHaveSeries) {
  settings_.node_series = NodeSeriesLimit::First(2);
  for (const char* name : {"n3", "n1", "n4", "n2"}) Connect(name);
  BecomeStranger("n0");
  const MetricsText text = Fleet();
  EXPECT_TRUE(text.Has("hotplugger_node_connected{node=\"n1\"}"));
  EXPECT_TRUE(text.Has("hotplugger_node_connected{node=\"n2\"}"));
  EXPECT_THAT(FleetText(), Not(HasSubstr("n3")));
  EXPECT_EQ(text.Value("hotplugger_nodes_without_series"), 2);
  EXPECT_EQ(text.Value("hotplugger_nodes{state=\"out_of_sync\"}"), 4);

  settings_.node_series = NodeSeriesLimit::Off();
  EXPECT_THAT(FleetText(), Not(HasSubstr("hotplugger_node_")));
  EXPECT_EQ(Fleet().Value("hotplugger_nodes_without_series"), 4);
  settings_.node_series = NodeSeriesLimit::All();
  EXPECT_EQ(Fleet().Value("hotplugger_nodes_without_series"), 0);
}

// More nodes than are taken from the registry at a time: each once.
TEST_F(FleetCollectorTest, GoesThroughLargeFleetsPageByPage) {
  for (const int extra : {0, 1, static_cast<int>(kPageNodes)}) {
    const int count = static_cast<int>(kPageNodes) + extra;
    NodeRegistry registry(&clock_, &spec_clock_, 5000);
    for (int i = 0; i < count; ++i) registry.Restore(Name("n", i), {});
    settings_.node_series = NodeSeriesLimit::All();
    const FleetCollector collector(&registry, settings_);
    const MetricsText text(prometheus::TextSerializer().Serialize(collector.Collect()));
    EXPECT_THAT(text.problems(), IsEmpty());
    EXPECT_EQ(text.Value("hotplugger_nodes{state=\"disconnected\"}"), count);
    for (int i = 0; i < count; ++i) {
      EXPECT_TRUE(text.Has(absl::StrCat("hotplugger_node_connected{node=\"", Name("n", i), "\"}")));
    }
  }
}

TEST_F(FleetCollectorTest, ADomainHasItsFirstValuesByNameAndTheRestTogether) {
  max_nodes_ = 1000;
  Start();
  settings_.domains = {"zone", "rack", "zone"};
  for (int i = 149; i >= 0; --i) registry_->Restore(Name("n", i), {{"zone", Name("z", i)}});
  registry_->Restore("without", {});
  // As if a person knew what the rest is called.
  registry_->Restore("odd", {{"zone", "(other)"}});
  const MetricsText text = Fleet();
  const auto nodes = [&text](const std::string& domain, const std::string& value) {
    return text.Value(absl::StrCat("hotplugger_domain_nodes{domain=\"", domain, "\",value=\"",
                                   value, "\",state=\"disconnected\"}"));
  };
  // The empty value is one of the hundred.
  EXPECT_EQ(nodes("zone", ""), 1);
  EXPECT_EQ(nodes("zone", Name("z", 0)), 1);
  EXPECT_EQ(nodes("zone", Name("z", 98)), 1);
  EXPECT_EQ(nodes("zone", "(other)"), 52);
  EXPECT_FALSE(text.Has(absl::StrCat("hotplugger_domain_nodes{domain=\"zone\",value=\"",
                                     Name("z", 99), "\",state=\"disconnected\"}")));
  EXPECT_EQ(nodes("rack", ""), 152);
}

TEST_F(FleetCollectorTest, DriversVersionsAndConditionsAreBounded) {
  max_nodes_ = 1000;
  Start();
  // Of each 150 kinds, a node each.
  for (int i = 0; i < 150; ++i) {
    v1::Inventory inventory;
    v1::Driver& driver = *inventory.add_drivers();
    driver.set_name(Name("d", i));
    driver.set_state(v1::DRIVER_STATE_RUNNING);
    inventory.add_conditions()->set_type(Name("C", i));
    v1::Hello hello;
    hello.set_agent_version(Name("v", i));
    Record(Name("n", i), inventory, hello);
  }
  const MetricsText text = Fleet();
  EXPECT_EQ(text.Value(absl::StrCat("hotplugger_drivers{driver=\"", Name("d", 99),
                                    "\",state=\"running\"}")),
            1);
  EXPECT_EQ(text.Value("hotplugger_drivers{driver=\"(other)\",state=\"running\"}"), 50);
  EXPECT_EQ(text.Value(absl::StrCat("hotplugger_agents{version=\"", Name("v", 19), "\"}")), 1);
  EXPECT_EQ(text.Value("hotplugger_agents{version=\"(other)\"}"), 130);
  EXPECT_EQ(text.Value("hotplugger_nodes_with_condition{condition=\"(other)\"}"), 50);
}

TEST_F(FleetCollectorTest, ANodeHasItsFirstDriversByName) {
  v1::Inventory inventory;
  for (int i = 49; i >= 0; --i) {
    v1::Driver& driver = *inventory.add_drivers();
    driver.set_name(Name("d", i));
    driver.set_state(v1::DRIVER_STATE_STOPPED);
  }
  Record("n1", inventory);
  const MetricsText text = Fleet();
  const auto series = [](int driver) {
    return absl::StrCat("hotplugger_node_driver_running{node=\"n1\",driver=\"", Name("d", driver),
                        "\"}");
  };
  EXPECT_TRUE(text.Has(series(0)));
  EXPECT_TRUE(text.Has(series(31)));
  EXPECT_FALSE(text.Has(series(32)));
}

// Whatever nodes say, the text can be read and no series is there twice.
TEST_F(FleetCollectorTest, HostileWordsSpoilNothing) {
  const std::vector<std::string> words = {"a\"b",
                                          "a\\b",
                                          "a\nb",
                                          "a\\",
                                          "}",
                                          "{a=\"b\"} 1",
                                          "",
                                          std::string(64 * 1024, 'x'),
                                          std::string(64 * 1024, 'x') + "y",
                                          "\xff",
                                          "\xfe",
                                          "\xc3\x28",
                                          "\uFFFD",
                                          std::string("\0", 1),
                                          "# TYPE x y"};
  settings_.domains = {"zone", "a/b", "a.b"};
  for (size_t i = 0; i < words.size(); ++i) {
    v1::Inventory inventory;
    for (const std::string& word : words) {
      inventory.add_drivers()->set_name(word);
      inventory.add_conditions()->set_type(word);
    }
    inventory.set_kernel_release(words[i]);
    inventory.set_cpus_present(words[i]);
    inventory.mutable_memory()->set_blocks_present(words[i]);
    v1::Hello hello;
    hello.set_agent_version(words[i]);
    for (const char* key : {"zone", "a/b", "a.b"}) (*hello.mutable_labels())[key] = words[i];
    Record(absl::StrCat("n", i), inventory, hello);
  }
  const std::string bytes = FleetText();
  EXPECT_LT(bytes.size(), 1'000'000u);
  const MetricsText text = Fleet();
  const auto count = [&text](const std::string& label, const std::string& value) {
    double sum = 0;
    for (const testing::MetricSample& sample : text.samples()) {
      const auto found = sample.labels.find(label);
      if (found != sample.labels.end() && found->second == value) sum += sample.value;
    }
    return sum;
  };
  // Those that become one are one: both long ones, and the three that are U+FFFD in the end.
  EXPECT_EQ(count("version", std::string(128, 'x') + "…"), 2);
  EXPECT_EQ(count("version", "\uFFFD"), 3);
  EXPECT_EQ(count("version", "a\"b"), 1);
  EXPECT_EQ(count("version", "a\nb"), 1);
  EXPECT_THAT(bytes, HasSubstr("label_a_b=\""));
}

TEST_F(FleetCollectorTest, OddNumbersAreNumbers) {
  v1::Inventory inventory;
  // More online than there are.
  inventory.set_cpus_present("0");
  inventory.set_cpus_online("0-7");
  inventory.mutable_memory()->set_block_size_bytes(std::numeric_limits<uint64_t>::max());
  inventory.mutable_memory()->set_blocks_present("0-33554431");
  inventory.mutable_memory()->set_blocks_online("nonsense");
  Record("n1", inventory);
  const MetricsText text = Fleet();
  EXPECT_EQ(text.Value("hotplugger_cpus{state=\"online\"}"), 8);
  EXPECT_EQ(text.Value("hotplugger_cpus{state=\"offline\"}"), 0);
  EXPECT_EQ(text.Value("hotplugger_node_memory_bytes{node=\"n1\",state=\"online\"}"), 0);
  EXPECT_GT(text.Value("hotplugger_node_memory_bytes{node=\"n1\",state=\"offline\"}"), 6e26);
}

TEST_F(FleetCollectorTest, ADriverThatCannotBeAskedIsNotSaidToBeStopped) {
  v1::Inventory inventory;
  for (int state = 0; state <= v1::DRIVER_STATE_UNKNOWN; ++state) {
    v1::Driver& driver = *inventory.add_drivers();
    driver.set_name(v1::DriverState_Name(state));
    driver.set_state(static_cast<v1::DriverState>(state));
  }
  Record("n1", inventory);
  const MetricsText text = Fleet();
  const auto running = [](const char* driver) {
    return absl::StrCat("hotplugger_node_driver_running{node=\"n1\",driver=\"", driver, "\"}");
  };
  EXPECT_EQ(text.Value(running("DRIVER_STATE_RUNNING")), 1);
  EXPECT_EQ(text.Value(running("DRIVER_STATE_STOPPED")), 0);
  for (const char* unknown : {"DRIVER_STATE_UNKNOWN", "DRIVER_STATE_UNSPECIFIED"}) {
    EXPECT_FALSE(text.Has(running(unknown))) << unknown;
    EXPECT_EQ(
        text.Value(absl::StrCat("hotplugger_drivers{driver=\"", unknown, "\",state=\"unknown\"}")),
        1);
  }
}

TEST_F(FleetCollectorTest, ADriverThatANodeNamesTwiceIsAsItWasNamedLast) {
  v1::Inventory inventory;
  for (const v1::DriverState state : {v1::DRIVER_STATE_RUNNING, v1::DRIVER_STATE_STOPPED}) {
    v1::Driver& driver = *inventory.add_drivers();
    driver.set_name("d");
    driver.set_state(state);
  }
  Record("n1", inventory);
  const MetricsText text = Fleet();
  EXPECT_EQ(text.Value("hotplugger_drivers{driver=\"d\",state=\"stopped\"}"), 1);
  EXPECT_EQ(text.Value("hotplugger_drivers{driver=\"d\",state=\"running\"}"), 0);
  EXPECT_EQ(text.Value("hotplugger_node_driver_running{node=\"n1\",driver=\"d\"}"), 0);
}

}  // namespace
}  // namespace hotplugger::server
