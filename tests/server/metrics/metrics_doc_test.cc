// docs/metrics.md against what a controller of which everything is known exports, both ways.
#include "tests/fakes/metrics_doc.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/fakes/proto_text.h"
#include "tests/server/metrics/metrics_fixture.h"

namespace hotplugger::server {
namespace {

using ::testing::IsEmpty;
using testing::MetricsDoc;
using testing::MetricsDocComparison;
using testing::MetricsText;
using ::testing::SizeIs;

class MetricsDocTest : public MetricsFixture {
 protected:
  // So that every family has a series.
  void MakeEverythingKnown() {
    FakeAgent agent = Connect("n1", R"(agent_version: "0.1.0" metrics_address: "n1:9416"
                                       labels {key: "zone" value: "eu1"})");
    EXPECT_TRUE(agent
                    .Say(R"(inventory {
      cpus_present: "0-3" cpus_online: "0-1" kernel_release: "6.1.0"
      smt {control: SMT_CONTROL_ON active: true}
      memory {block_size_bytes: 134217728 blocks_present: "0-15" blocks_online: "0-7"}
      drivers {name: "bricked" state: DRIVER_STATE_RUNNING}
      conditions {type: "STATE_NOT_SAVED" message: "disk full"}})")
                    .ok());
    EXPECT_TRUE(agent
                    .Say(absl::StrCat("report {digest: \"", GetNode("n1").desired_digest(),
                                      "\" state: APPLY_STATE_APPLIED}"))
                    .ok());
    counters_.spec_nacks.Add("SPEC_INVALID", "n1");
    const size_t call = calls_.Started("/hotplugger.v1.FleetService/GetNode");
    calls_.Handled(call, 0, absl::Milliseconds(2));
    auto snapshot = testing::FromText<v1::MetricsSnapshot>(R"(
      operation_durations {kind: "cpu" action: "offline"
                           bucket_counts: [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]}
      drift {actor: "person" count: 1}
      limit_refusals {limit: "LIMIT_MIN_CPUS" count: 1}
      queues {queue: "operation" refusals: 1}
      queues {queue: "query" refusals: 1})");
    // Each word, to be compared with the page's lists.
    const std::pair<const char*, const char*> operations[] = {
        {"cpu", "online"},  {"memory", "offline"}, {"device", "online"},
        {"smt", "on"},      {"smt", "off"},        {"smt", "forceoff"},
        {"smt", "partial"}, {"driver", "start"},   {"driver", "stop"}};
    for (int outcome = v1::OUTCOME_CHANGED; outcome <= v1::OUTCOME_SKIPPED; ++outcome) {
      for (const auto& [kind, action] : operations) {
        v1::OperationCount& operation = *snapshot.add_operations();
        operation.set_kind(kind);
        operation.set_action(action);
        operation.set_outcome(static_cast<v1::Outcome>(outcome));
        operation.set_count(1);
      }
    }
    // A node's first snapshot is where it begins.
    EXPECT_EQ(totals_.Add("n1", "run-1", v1::MetricsSnapshot()), "");
    EXPECT_EQ(totals_.Add("n1", "run-1", snapshot), "");
  }
};

TEST_F(MetricsDocTest, TheControllerExportsWhatThePageSays) {
  const MetricsDoc doc = MetricsDoc::OfThisProject();
  EXPECT_THAT(doc.problems(), IsEmpty());
  std::vector<testing::DocumentedMetric> documented = doc.Under("## Controller");
  const std::vector<testing::DocumentedMetric> both = doc.Under("## Both");
  EXPECT_GT(documented.size(), 40u);
  EXPECT_THAT(both, SizeIs(8));
  documented.insert(documented.end(), both.begin(), both.end());

  MakeEverythingKnown();
  const auto server = Serve();
  const MetricsText text(testing::HttpGet(server->port(), "/metrics").body);
  EXPECT_THAT(text.problems(), IsEmpty());
  EXPECT_THAT(MetricsDocComparison::Compare(documented, text.families()), IsEmpty());
}

// What a linter of Prometheus would say.
TEST_F(MetricsDocTest, NamesAreAsPrometheusHasThem) {
  MakeEverythingKnown();
  const auto server = Serve();
  const MetricsText text(testing::HttpGet(server->port(), "/metrics").body);
  for (const prometheus::MetricFamily& family : text.families()) {
    EXPECT_EQ(absl::EndsWith(family.name, "_total"), family.type == prometheus::MetricType::Counter)
        << family.name;
    if (family.type == prometheus::MetricType::Histogram) {
      EXPECT_TRUE(absl::EndsWith(family.name, "_seconds")) << family.name;
    }
    EXPECT_FALSE(absl::EndsWith(family.name, "_count") || absl::EndsWith(family.name, "_sum") ||
                 absl::EndsWith(family.name, "_bucket"))
        << family.name;
    EXPECT_EQ(family.help.back(), '.') << family.name;
  }
}

}  // namespace
}  // namespace hotplugger::server
