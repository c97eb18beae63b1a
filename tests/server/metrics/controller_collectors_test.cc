// What the controller tells of itself, of specs, and of what agents count.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/metrics/agent_totals_collector.h"
#include "server/metrics/controller_collector.h"
#include "server/metrics/spec_collector.h"
#include "tests/fakes/proto_text.h"
#include "tests/server/metrics/metrics_fixture.h"

namespace hotplugger::server {
namespace {

using ::testing::IsEmpty;
using testing::MetricsText;

MetricsText Read(const prometheus::Collectable& collector) {
  MetricsText text(prometheus::TextSerializer().Serialize(collector.Collect()));
  EXPECT_THAT(text.problems(), IsEmpty());
  return text;
}

class ControllerCollectorsTest : public MetricsFixture {
 protected:
  MetricsText Controller(ControllerFacts facts = {}) {
    return Read(ControllerCollector(
        std::move(facts), &store_timings_, [this] { return store_size_bytes_; }, &calls_));
  }
  MetricsText Totals() { return Read(AgentTotalsCollector(&totals_)); }
};

TEST_F(ControllerCollectorsTest, TellsWhoTheControllerIs) {
  const MetricsText text = Controller({7, "1.2\"3", "fleet\n1", true});
  EXPECT_EQ(text.Value(R"(hotplugger_controller_info{version="1.2\"3",fleet="fleet\n1"})"), 1);
  EXPECT_EQ(text.Value("hotplugger_controller_epoch"), 7);
  EXPECT_EQ(text.Value("hotplugger_controller_insecure"), 1);
  EXPECT_EQ(Controller().Value("hotplugger_controller_insecure"), 0);
}

TEST_F(ControllerCollectorsTest, TellsWhatTheStoreTook) {
  store_timings_.Observe(StoreOperation::kCommit, StoreResult::kConflict, absl::Milliseconds(20));
  const MetricsText text = Controller();
  const std::string labels = R"({operation="commit",result="conflict")";
  EXPECT_EQ(text.Value("hotplugger_store_operation_duration_seconds_count" + labels + "}"), 1);
  EXPECT_EQ(
      text.Value("hotplugger_store_operation_duration_seconds_bucket" + labels + R"(,le="0.01"})"),
      0);
  EXPECT_EQ(
      text.Value("hotplugger_store_operation_duration_seconds_bucket" + labels + R"(,le="0.03"})"),
      1);
  EXPECT_EQ(
      text.Value(
          R"(hotplugger_store_operation_duration_seconds_count{operation="get",result="ok"})"),
      0);
  EXPECT_EQ(text.Value("hotplugger_store_size_bytes"), 4096);
  store_size_bytes_ = -1;
  EXPECT_FALSE(Controller().Has("hotplugger_store_size_bytes"));
}

TEST_F(ControllerCollectorsTest, TellsOfCalls) {
  const size_t call = calls_.Started("/hotplugger.v1.FleetService/GetNode");
  calls_.Handled(call, 5, absl::Milliseconds(2));
  calls_.Started("/hotplugger.v1.FleetService/WatchNodes");
  calls_.Started("/nobody/Knows");
  const MetricsText text = Controller();
  const auto method = [](const std::string& type, const std::string& service,
                         const std::string& name, const std::string& more = "") {
    return absl::StrCat("{grpc_type=\"", type, "\",grpc_service=\"", service, "\",grpc_method=\"",
                        name, "\"", more, "}");
  };
  const std::string fleet = "hotplugger.v1.FleetService";
  EXPECT_EQ(text.Value("grpc_server_started_total" + method("unary", fleet, "GetNode")), 1);
  EXPECT_EQ(text.Value("grpc_server_started_total" + method("unknown", "unknown", "unknown")), 1);
  EXPECT_EQ(text.Value("grpc_server_handled_total" +
                       method("unary", fleet, "GetNode", ",grpc_code=\"NotFound\"")),
            1);
  EXPECT_EQ(text.Value("grpc_server_handling_seconds_count" + method("unary", fleet, "GetNode")),
            1);
  EXPECT_FALSE(text.Has("grpc_server_handling_seconds_count" +
                        method("server_stream", fleet, "WatchNodes")));
}

TEST_F(ControllerCollectorsTest, TellsOfPoliciesHoldsAndSpecs) {
  const SpecCollector collector(&counters_);
  // An increase is seen only of what was there before.
  for (const absl::string_view reason : kNackReasons) {
    EXPECT_EQ(
        Read(collector).Value(absl::StrCat("hotplugger_spec_nacks_total{reason=\"", reason, "\"}")),
        0);
  }
  counters_.policies = 1;
  counters_.holds = 2;
  counters_.holds_overdue = 3;
  counters_.hold_lapse_failures = 4;
  counters_.spec_pushes = 5;
  counters_.spec_nacks.Add("SPEC_INVALID", "n1");
  counters_.spec_reverts = 6;
  counters_.spec_quarantines = 7;
  counters_.spec_push_duration.Observe(absl::Seconds(2));
  counters_.spec_ack_duration.Observe(absl::Seconds(20));
  counters_.spec_convergence_duration.Observe(absl::Seconds(200));
  const MetricsText text = Read(collector);
  EXPECT_EQ(text.Value("hotplugger_policies"), 1);
  EXPECT_EQ(text.Value("hotplugger_holds"), 2);
  EXPECT_EQ(text.Value("hotplugger_holds_overdue"), 3);
  EXPECT_EQ(text.Value("hotplugger_hold_lapse_failures_total"), 4);
  EXPECT_EQ(text.Value("hotplugger_spec_pushes_total"), 5);
  EXPECT_EQ(text.Value("hotplugger_spec_nacks_total{reason=\"SPEC_INVALID\"}"), 1);
  EXPECT_EQ(text.Value("hotplugger_spec_reverts_total"), 6);
  EXPECT_EQ(text.Value("hotplugger_spec_quarantines_total"), 7);
  EXPECT_EQ(text.Value("hotplugger_spec_push_duration_seconds_sum"), 2);
  EXPECT_EQ(text.Value("hotplugger_spec_ack_duration_seconds_sum"), 20);
  EXPECT_EQ(text.Value("hotplugger_spec_convergence_duration_seconds_sum"), 200);
}

TEST_F(ControllerCollectorsTest, RefusalsAreOfFewReasons) {
  for (int i = 0; i < 200; ++i) {
    counters_.spec_nacks.Add(absl::StrCat("REASON_", i), absl::StrCat("n", i));
  }
  const MetricsText text = Read(SpecCollector(&counters_));
  size_t reasons = 0;
  double sum = 0;
  for (const testing::MetricSample& sample : text.samples()) {
    if (sample.name != "hotplugger_spec_nacks_total") continue;
    ++reasons;
    sum += sample.value;
  }
  EXPECT_EQ(reasons, 50u);
  EXPECT_EQ(sum, 200);
}

TEST_F(ControllerCollectorsTest, TellsWhatAgentsHaveCounted) {
  EXPECT_FALSE(Totals().Has("hotplugger_fleet_operations_total"));
  EXPECT_EQ(Totals().Value("hotplugger_fleet_uevents_received_total"), 0);
  auto snapshot = testing::FromText<v1::MetricsSnapshot>(R"(
    operations {kind: "cpu" action: "offline" outcome: OUTCOME_REFUSED reason: "LIMIT_MIN_CPUS"
                count: 3}
    operation_durations {kind: "cpu" action: "offline"
                         bucket_counts: [0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]
                         sum_seconds: 301}
    drift {actor: "person" count: 4}
    drift {actor: "driver/bricked" count: 5}
    limit_refusals {limit: "LIMIT_MIN_CPUS" count: 6}
    uevents_received: 7
    uevent_overflows: 8
    queues {queue: "operation" refusals: 9})");
  // A node's first snapshot is where it begins.
  EXPECT_EQ(totals_.Add("n1", "run-1", v1::MetricsSnapshot()), "");
  EXPECT_EQ(totals_.Add("n1", "run-1", snapshot), "");
  const MetricsText text = Totals();
  EXPECT_EQ(text.Value(R"(hotplugger_fleet_operations_total{kind="cpu",action="offline",)"
                       R"(outcome="refused",reason="LIMIT_MIN_CPUS"})"),
            3);
  EXPECT_EQ(text.Value(R"(hotplugger_fleet_operation_duration_seconds_bucket{kind="cpu",)"
                       R"(action="offline",le="0.01"})"),
            2);
  EXPECT_EQ(text.Value(R"(hotplugger_fleet_operation_duration_seconds_count{kind="cpu",)"
                       R"(action="offline"})"),
            3);
  EXPECT_EQ(text.Value("hotplugger_fleet_drift_total{actor=\"person\"}"), 4);
  EXPECT_EQ(text.Value("hotplugger_fleet_drift_total{actor=\"driver/bricked\"}"), 5);
  EXPECT_EQ(text.Value("hotplugger_fleet_limit_refusals_total{limit=\"LIMIT_MIN_CPUS\"}"), 6);
  EXPECT_EQ(text.Value("hotplugger_fleet_uevents_received_total"), 7);
  EXPECT_EQ(text.Value("hotplugger_fleet_uevent_overflows_total"), 8);
  EXPECT_EQ(text.Value("hotplugger_fleet_operations_refused_total{queue=\"operation\"}"), 9);
}

TEST_F(ControllerCollectorsTest, HostileWordsOfAgentsSpoilNothing) {
  v1::MetricsSnapshot snapshot;
  for (const std::string& word :
       {std::string("a\"b\\\n"), std::string("\xff"), std::string("\xfe"), std::string("\uFFFD"),
        std::string(1000, 'x'), std::string(1001, 'x'), std::string()}) {
    v1::OperationCount& operation = *snapshot.add_operations();
    operation.set_kind(word);
    operation.set_action(word);
    operation.set_reason(word);
    operation.set_count(1);
    v1::DriftCount& drift = *snapshot.add_drift();
    drift.set_actor("driver/" + word);
    drift.set_count(1);
    v1::LimitRefusals& limit = *snapshot.add_limit_refusals();
    limit.set_limit(word);
    limit.set_count(1);
    v1::QueueUse& queue = *snapshot.add_queues();
    queue.set_queue(word);
    queue.set_refusals(1);
  }
  EXPECT_EQ(totals_.Add("n1", "run-1", v1::MetricsSnapshot()), "");
  EXPECT_EQ(totals_.Add("n1", "run-1", snapshot), "");
  // Reading them finds series that are there twice.
  Totals();
}

}  // namespace
}  // namespace hotplugger::server
