#include "agent/metrics/agent_collector.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/text_serializer.h>

#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tests/agent/metrics/collector_fixture.h"

namespace hotplugger::agent {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class AgentCollectorTest : public ::testing::Test, protected CollectorWorld {
 protected:
  std::string Text() { return prometheus::TextSerializer().Serialize(collector.Collect()); }

  // The samples of one family.
  std::vector<std::string> Samples(const std::string& family) {
    std::vector<std::string> samples;
    for (const absl::string_view line : absl::StrSplit(Text(), '\n')) {
      const bool ours = absl::StartsWith(line, absl::StrCat(family, "{")) ||
                        absl::StartsWith(line, absl::StrCat(family, " "));
      if (ours) samples.emplace_back(line.substr(family.size()));
    }
    return samples;
  }
};

TEST_F(AgentCollectorTest, TellsAllThatAnAgentKnows) {
  news.SendInventory(Inventory());
  news.SendReport(Report());
  CountAll();
  EXPECT_EQ(Text(), R"(# HELP hotplugger_agent_info Always 1.
# TYPE hotplugger_agent_info gauge
hotplugger_agent_info{version="1.2.3",kernel_release="6.1.0-38"} 1
# HELP hotplugger_agent_connected Whether the agent has a stream to a controller that it obeys.
# TYPE hotplugger_agent_connected gauge
hotplugger_agent_connected 1
# HELP hotplugger_agent_in_sync Whether the last spec that came is in force and applied.
# TYPE hotplugger_agent_in_sync gauge
hotplugger_agent_in_sync 1
# HELP hotplugger_agent_drift_items Devices and drivers that are unlike the spec and left so.
# TYPE hotplugger_agent_drift_items gauge
hotplugger_agent_drift_items 2
# HELP hotplugger_agent_condition 1 for each condition of the host.
# TYPE hotplugger_agent_condition gauge
hotplugger_agent_condition{condition="STATE_NOT_SAVED"} 1
# HELP hotplugger_agent_cpus CPUs of the host.
# TYPE hotplugger_agent_cpus gauge
hotplugger_agent_cpus{state="offline"} 1
hotplugger_agent_cpus{state="online"} 3
# HELP hotplugger_agent_cpu_online Whether the CPU is online.
# TYPE hotplugger_agent_cpu_online gauge
hotplugger_agent_cpu_online{cpu="0"} 1
hotplugger_agent_cpu_online{cpu="1"} 1
hotplugger_agent_cpu_online{cpu="2"} 1
hotplugger_agent_cpu_online{cpu="3"} 0
# HELP hotplugger_agent_memory_bytes Hotpluggable memory of the host.
# TYPE hotplugger_agent_memory_bytes gauge
hotplugger_agent_memory_bytes{state="offline"} 268435456
hotplugger_agent_memory_bytes{state="online"} 536870912
# HELP hotplugger_agent_driver_running Whether the hotplug driver runs.
# TYPE hotplugger_agent_driver_running gauge
hotplugger_agent_driver_running{driver="alucard"} 1
hotplugger_agent_driver_running{driver="bricked"} 0
# HELP hotplugger_agent_operations_total Operations on devices and drivers.
# TYPE hotplugger_agent_operations_total counter
hotplugger_agent_operations_total{kind="cpu",action="offline",outcome="changed",reason=""} 1
hotplugger_agent_operations_total{kind="cpu",action="offline",outcome="refused",reason="LIMIT_MIN_ONLINE_CPUS"} 1
hotplugger_agent_operations_total{kind="driver",action="start",outcome="failed",reason="DRIVER_DID_NOT_CHANGE"} 1
# HELP hotplugger_agent_operation_duration_seconds How long the kernel or a driver took for an operation.
# TYPE hotplugger_agent_operation_duration_seconds histogram
hotplugger_agent_operation_duration_seconds_count{kind="cpu",action="offline"} 1
hotplugger_agent_operation_duration_seconds_sum{kind="cpu",action="offline"} 0.02
hotplugger_agent_operation_duration_seconds_bucket{kind="cpu",action="offline",le="0.001"} 0
hotplugger_agent_operation_duration_seconds_bucket{kind="cpu",action="offline",le="0.003"} 0
hotplugger_agent_operation_duration_seconds_bucket{kind="cpu",action="offline",le="0.01"} 0
hotplugger_agent_operation_duration_seconds_bucket{kind="cpu",action="offline",le="0.03"} 1
hotplugger_agent_operation_duration_seconds_bucket{kind="cpu",action="offline",le="0.1"} 1
hotplugger_agent_operation_duration_seconds_bucket{kind="cpu",action="offline",le="0.3"} 1
hotplugger_agent_operation_duration_seconds_bucket{kind="cpu",action="offline",le="1"} 1
hotplugger_agent_operation_duration_seconds_bucket{kind="cpu",action="offline",le="3"} 1
hotplugger_agent_operation_duration_seconds_bucket{kind="cpu",action="offline",le="10"} 1
hotplugger_agent_operation_duration_seconds_bucket{kind="cpu",action="offline",le="30"} 1
hotplugger_agent_operation_duration_seconds_bucket{kind="cpu",action="offline",le="60"} 1
hotplugger_agent_operation_duration_seconds_bucket{kind="cpu",action="offline",le="120"} 1
hotplugger_agent_operation_duration_seconds_bucket{kind="cpu",action="offline",le="300"} 1
hotplugger_agent_operation_duration_seconds_bucket{kind="cpu",action="offline",le="+Inf"} 1
# HELP hotplugger_agent_limit_refusals_total Operations that a limit of the host refused.
# TYPE hotplugger_agent_limit_refusals_total counter
hotplugger_agent_limit_refusals_total{limit="LIMIT_MIN_ONLINE_CPUS"} 1
# HELP hotplugger_agent_drift_total How often what the spec says was found changed.
# TYPE hotplugger_agent_drift_total counter
hotplugger_agent_drift_total{actor="person"} 1
# HELP hotplugger_agent_queue_length Tasks that wait.
# TYPE hotplugger_agent_queue_length gauge
hotplugger_agent_queue_length{queue="operation"} 3
hotplugger_agent_queue_length{queue="query"} 0
# HELP hotplugger_agent_queue_capacity Tasks that may wait.
# TYPE hotplugger_agent_queue_capacity gauge
hotplugger_agent_queue_capacity{queue="operation"} 256
hotplugger_agent_queue_capacity{queue="query"} 256
# HELP hotplugger_agent_queue_refusals_total Tasks that were not taken because the queue was full.
# TYPE hotplugger_agent_queue_refusals_total counter
hotplugger_agent_queue_refusals_total{queue="operation"} 2
hotplugger_agent_queue_refusals_total{queue="query"} 0
# HELP hotplugger_agent_uevents_received_total Events of devices from the kernel.
# TYPE hotplugger_agent_uevents_received_total counter
hotplugger_agent_uevents_received_total 5
# HELP hotplugger_agent_uevent_overflows_total How often events were lost because the buffer was full.
# TYPE hotplugger_agent_uevent_overflows_total counter
hotplugger_agent_uevent_overflows_total 1
)");
}

TEST_F(AgentCollectorTest, WithoutASpecOrAFirstLookItSaysNothingOfThem) {
  connected = false;
  EXPECT_THAT(Samples("hotplugger_agent_connected"), ElementsAre(" 0"));
  EXPECT_THAT(Text(), AllOf(Not(HasSubstr("in_sync")), Not(HasSubstr("agent_cpus")),
                            Not(HasSubstr("agent_condition")), Not(HasSubstr("operations_total"))));
}

TEST_F(AgentCollectorTest, TheNewestIsTold) {
  news.SendInventory(Inventory());
  news.SendReport(Report());
  v1::Inventory inventory = Inventory();
  inventory.set_cpus_online("0-3");
  inventory.clear_memory();
  inventory.clear_conditions();
  news.SendInventory(inventory);
  v1::NodeReport report = Report();
  report.set_state(v1::APPLY_STATE_FAILED);
  report.clear_drift();
  news.SendReport(report);
  EXPECT_THAT(Samples("hotplugger_agent_cpus"),
              ElementsAre("{state=\"offline\"} 0", "{state=\"online\"} 4"));
  EXPECT_THAT(Samples("hotplugger_agent_memory_bytes"), IsEmpty());
  EXPECT_THAT(Samples("hotplugger_agent_condition"), IsEmpty());
  EXPECT_THAT(Samples("hotplugger_agent_in_sync"), ElementsAre(" 0"));
  EXPECT_THAT(Samples("hotplugger_agent_drift_items"), ElementsAre(" 0"));
}

TEST_F(AgentCollectorTest, ASpecThatWasTurnedDownIsNotInSyncThoughAnotherIsApplied) {
  news.SendReport(Report());
  v1::SpecAck refused;
  refused.add_errors("cpu_offline: no list");
  news.SendAck(refused);
  EXPECT_THAT(Samples("hotplugger_agent_in_sync"), ElementsAre(" 0"));
  news.SendAck(v1::SpecAck());
  EXPECT_THAT(Samples("hotplugger_agent_in_sync"), ElementsAre(" 1"));
  // Whatever was in force before is again.
  v1::NodeReport reverted;
  reverted.set_digest("another");
  reverted.set_state(v1::APPLY_STATE_REVERTED);
  news.SendRejection(reverted);
  EXPECT_THAT(Samples("hotplugger_agent_in_sync"), ElementsAre(" 0"));
}

TEST_F(AgentCollectorTest, OfManyCpusTheFirstAreTold) {
  v1::Inventory inventory;
  inventory.set_cpus_present("0-2047");
  inventory.set_cpus_online("0-2046");
  news.SendInventory(inventory);
  const std::vector<std::string> cpus = Samples("hotplugger_agent_cpu_online");
  ASSERT_EQ(cpus.size(), 1024u);
  EXPECT_EQ(cpus.back(), "{cpu=\"1023\"} 1");
  EXPECT_THAT(Samples("hotplugger_agent_cpus"),
              ElementsAre("{state=\"offline\"} 1", "{state=\"online\"} 2047"));
}

// One bad byte, or two series of the same labels, and Prometheus takes nothing of the scrape.
TEST_F(AgentCollectorTest, NamesOfAnyBytesSpoilNothing) {
  v1::Inventory inventory;
  const auto add = [&inventory](const std::string& name, v1::DriverState state) {
    v1::Driver* driver = inventory.add_drivers();
    driver->set_name(name);
    driver->set_state(state);
  };
  add("quote\"back\\slash\nline", v1::DRIVER_STATE_RUNNING);
  add("bad\xff", v1::DRIVER_STATE_STOPPED);
  add("bad\xfe", v1::DRIVER_STATE_RUNNING);
  add(std::string(64 * 1024, 'x'), v1::DRIVER_STATE_STOPPED);
  add(std::string(64 * 1024, 'x') + "y", v1::DRIVER_STATE_STOPPED);
  news.SendInventory(inventory);
  counters.CountDrift("driver/\"\n\xff");
  EXPECT_THAT(
      Samples("hotplugger_agent_driver_running"),
      ElementsAre("{driver=\"bad\uFFFD\"} 1", "{driver=\"quote\\\"back\\\\slash\\nline\"} 1",
                  "{driver=\"" + std::string(128, 'x') + "…\"} 0"));
  EXPECT_THAT(Samples("hotplugger_agent_drift_total"),
              ElementsAre("{actor=\"driver/\\\"\\n\uFFFD\"} 1"));
}

// What the thread sanitizer looks at.
TEST_F(AgentCollectorTest, IsScrapedWhileThereIsNews) {
  std::thread teller([this] {
    for (int i = 0; i < 300; ++i) {
      news.SendInventory(Inventory());
      news.SendReport(Report());
      CountAll();
    }
  });
  for (int i = 0; i < 50; ++i) EXPECT_THAT(Text(), HasSubstr("hotplugger_agent_info"));
  teller.join();
}

}  // namespace
}  // namespace hotplugger::agent
