// The controller's /metrics and /sd over a socket.
#include "server/metrics/metrics_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <thread>

#include "common/error_info.h"
#include "tests/fakes/fake_collectable.h"
#include "tests/server/metrics/metrics_fixture.h"

namespace hotplugger::server {
namespace {

using ::testing::HasSubstr;
using testing::HttpAnswer;
using testing::HttpConnection;
using testing::HttpGet;
using ::testing::IsEmpty;
using testing::MetricsText;

using ControllerMetricsTest = MetricsFixture;

TEST_F(ControllerMetricsTest, ShowsTheFleetAndClosesTheConnection) {
  Connect("n1");
  const auto server = Serve();
  const HttpAnswer answer = HttpGet(server->port(), "/metrics");
  EXPECT_EQ(answer.status, 200);
  EXPECT_TRUE(answer.complete());
  const MetricsText text(answer.body);
  EXPECT_THAT(text.problems(), IsEmpty());
  EXPECT_EQ(text.Value("hotplugger_controller_epoch"), 7);
  EXPECT_EQ(text.Value("hotplugger_node_connected{node=\"n1\"}"), 1);
  EXPECT_GT(text.Value("process_resident_memory_bytes"), 0);
  EXPECT_EQ(text.Value("hotplugger_metrics_scrapes_refused_total"), 0);
}

TEST_F(ControllerMetricsTest, ShowsWhereAgentsServe) {
  Connect("n1", "metrics_address: \"n1:9416\"");
  const auto server = Serve();
  const HttpAnswer answer = HttpGet(server->port(), "/sd");
  EXPECT_EQ(answer.status, 200);
  EXPECT_THAT(answer.header("content-type"), HasSubstr("application/json"));
  EXPECT_THAT(answer.body, HasSubstr("\"targets\": [\"n1:9416\"]"));
}

TEST_F(ControllerMetricsTest, AnAddressThatIsTakenIsAnError) {
  const auto server = Serve();
  const auto second = StartMetricsServer(absl::StrCat("127.0.0.1:", server->port()), Parts());
  EXPECT_EQ(ErrorReason(second.status()), "LISTEN_FAILED");
  EXPECT_THAT(std::string(second.status().message()), HasSubstr("--metrics-listen"));
}

TEST_F(ControllerMetricsTest, AHundredThatSayNothingDoNotSilenceIt) {
  const auto server = Serve();
  std::vector<std::unique_ptr<HttpConnection>> mute;
  for (int i = 0; i < 100; ++i) mute.push_back(std::make_unique<HttpConnection>(server->port()));
  const absl::Time begin = SteadyNow();
  EXPECT_EQ(HttpGet(server->port(), "/metrics").status, 200);
  EXPECT_LT(SteadyNow() - begin, absl::Seconds(30));
}

// While a scrape is under way, after the fleet was looked at and before its answer is made, the
// fleet goes on.
TEST_F(ControllerMetricsTest, AScrapeThatGoesOnHoldsUpNeitherReportsNorPushes) {
  FakeAgent agent = Connect("n1");
  const FleetCollector fleet(registry_.get(), settings_);
  testing::BlockingCollectable blocking;
  MetricsServerOptions options;
  options.address = "127.0.0.1:0";
  MetricsPages pages;
  pages.collectables = {&fleet, &blocking};
  const auto server =
      hotplugger::StartMetricsServer(std::move(options), std::move(pages), steady_clock_);
  ASSERT_TRUE(server.ok()) << server.status();
  HttpAnswer answer;
  std::thread scraper([&] { answer = HttpGet((*server)->port(), "/metrics"); });
  blocking.AwaitBegun();
  // None of these would return.
  EXPECT_TRUE(agent
                  .Say("report {digest: \"" + GetNode("n1").desired_digest() +
                       "\" state: APPLY_STATE_APPLIED}")
                  .ok());
  EXPECT_TRUE(Apply(R"(name: "p" selector {nodes: "n1"} cpu {offline: "1"})").ok());
  Settle();
  EXPECT_EQ(agent.link->specs().size(), 2u);
  EXPECT_THAT(registry_->TakePushes(), IsEmpty());
  blocking.Release();
  scraper.join();
  // What it tells is of before.
  EXPECT_THAT(answer.body, HasSubstr("hotplugger_nodes{state=\"out_of_sync\"} 1\n"));
}

}  // namespace
}  // namespace hotplugger::server
