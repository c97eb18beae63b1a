#include "server/metrics/fleet_collector.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/text_serializer.h>

#include "tests/server/fleet/fleet_fixture.h"

namespace hotplugger::server {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class FleetCollectorTest : public FleetFixture {
 protected:
  std::string Text() {
    const FleetCollector collector(registry_.get(), &counters_, kEpoch, "1.2.3");
    return prometheus::TextSerializer().Serialize(collector.Collect());
  }
};

TEST_F(FleetCollectorTest, ShowsTheFleet) {
  FakeAgent agent = Connect("n1");
  ASSERT_TRUE(agent
                  .Say(R"(inventory {cpus_present: "0-3" cpus_online: "0-1,3"
                          drivers {name: "a\"b\\" state: DRIVER_STATE_RUNNING}
                          drivers {name: "c" state: DRIVER_STATE_STOPPED}
                          drivers {name: "c" state: DRIVER_STATE_STOPPED}})")
                  .ok());
  ASSERT_TRUE(agent
                  .Say("report {digest: \"" + GetNode("n1").desired_digest() +
                       "\" state: APPLY_STATE_APPLIED drift_count: 5}")
                  .ok());
  FakeAgent gone = Connect("n2");
  gone.session->OnClosed(gone.link.get());
  ASSERT_TRUE(Apply(R"(name: "p" selector {nodes: "n9"} cpu {offline: "1"})").ok());

  const std::string text = Text();
  for (const char* line :
       {"hotplugger_nodes{state=\"connected\"} 1\n",
        "hotplugger_nodes{state=\"disconnected\"} 1\n",
        "hotplugger_nodes_in_sync 1\n",
        "hotplugger_node_connected{node=\"n1\"} 1\n",
        "hotplugger_node_connected{node=\"n2\"} 0\n",
        "hotplugger_node_in_sync{node=\"n1\"} 1\n",
        "hotplugger_node_cpus{node=\"n1\",state=\"online\"} 3\n",
        "hotplugger_node_cpus{node=\"n1\",state=\"offline\"} 1\n",
        "hotplugger_node_driver_running{node=\"n1\",driver=\"a\\\"b\\\\\"} 1\n",
        "hotplugger_node_driver_running{node=\"n1\",driver=\"c\"} 0\n",
        "# TYPE hotplugger_node_drift_total counter\n",
        "hotplugger_node_drift_total{node=\"n1\"} 5\n",
        "hotplugger_node_last_contact_timestamp_seconds{node=\"n1\"} 1700000000\n",
        "hotplugger_policies 1\n",
        "hotplugger_holds 0\n",
        "hotplugger_holds_overdue 0\n",
        "hotplugger_hold_lapse_failures_total 0\n",
        "hotplugger_spec_pushes_total 2\n",
        "hotplugger_spec_nacks_total 0\n",
        "hotplugger_spec_reverts_total 0\n",
        "hotplugger_spec_quarantines_total 0\n",
        "hotplugger_controller_epoch 7\n",
        "hotplugger_controller_info{version=\"1.2.3\"} 1\n"}) {
    EXPECT_THAT(text, HasSubstr(line));
  }
  // A driver that a node names twice is one series.
  const std::string series = "driver=\"c\"}";
  EXPECT_EQ(text.find(series), text.rfind(series));
}

TEST_F(FleetCollectorTest, ADeletedNodeLeavesNothing) {
  FakeAgent agent = Connect("n1");
  agent.session->OnClosed(agent.link.get());
  EXPECT_THAT(Text(), HasSubstr("n1"));
  v1::DeleteNodeRequest request;
  request.set_name("n1");
  ASSERT_TRUE(Ask(&FleetEngine::DeleteNode, request).ok());
  EXPECT_THAT(Text(), Not(HasSubstr("n1")));
}

TEST_F(FleetCollectorTest, EveryFamilyHasHelpAndType) {
  const FleetCollector collector(registry_.get(), &counters_, kEpoch, "1");
  for (const prometheus::MetricFamily& family : collector.Collect()) {
    EXPECT_NE(family.help, "") << family.name;
    EXPECT_EQ(family.name.rfind("hotplugger_", 0), 0u) << family.name;
    EXPECT_EQ(family.name.size() > 6 && family.name.substr(family.name.size() - 6) == "_total",
              family.type == prometheus::MetricType::Counter)
        << family.name;
  }
}

}  // namespace
}  // namespace hotplugger::server
