// /metrics over a socket, to those who ask as they should and to those who don't.
#include "common/metrics/metrics_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/text_serializer.h>

#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "common/error_info.h"
#include "common/metrics/scrape_renderer.h"
#include "tests/fakes/fake_clock.h"
#include "tests/fakes/fake_collectable.h"
#include "tests/fakes/http_client.h"
#include "tests/fakes/unpacked.h"

namespace hotplugger {
namespace {

using testing::FakeCollectable;
using ::testing::HasSubstr;
using testing::HttpAnswer;
using testing::HttpConnection;
using testing::HttpGet;
using testing::LargeFamily;
using testing::ParseHttpAnswer;
using testing::Unpacked;

// More than the kernel takes for somebody who doesn't read.
constexpr size_t kLargeBytes = size_t{16} * 1024 * 1024;
constexpr int kSmallBuffer = 4096;

class MetricsServerTest : public ::testing::Test {
 protected:
  void Start(const prometheus::Collectable& shown, MetricsServerOptions options, Clock& clock) {
    options.address = "127.0.0.1:0";
    MetricsPages pages;
    pages.collectables = {&shown};
    pages.json["/page"] = [] { return std::string("[{\"a\": 1}]"); };
    pages.json["/large"] = [] { return std::string(kLargeBytes, ' '); };
    auto server = StartMetricsServer(std::move(options), std::move(pages), clock);
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }
  void Start(MetricsServerOptions options = {}) { Start(one_, std::move(options), steady_clock_); }

  int port() const { return server_->port(); }

  // Asks and reads no more than that an answer has begun.
  std::unique_ptr<HttpConnection> AskAndStop(const std::string& path = "/metrics") {
    auto connection = std::make_unique<HttpConnection>(port(), kSmallBuffer);
    EXPECT_TRUE(connection->Ask(path));
    EXPECT_EQ(connection->Receive(12), "HTTP/1.1 200");
    return connection;
  }

  SteadyClock steady_clock_;
  FakeClock fake_clock_;
  FakeCollectable one_{{SingleGauge("one", "Of a test.", 1)}};
  FakeCollectable large_{{LargeFamily(kLargeBytes)}};
  // Last, so that it ends first.
  std::unique_ptr<MetricsServer> server_;
};

TEST_F(MetricsServerTest, AnswersTheTextAndClosesTheConnection) {
  Start();
  const HttpAnswer answer = HttpGet(port(), "/metrics");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_EQ(answer.header("content-encoding"), "");
  EXPECT_EQ(answer.header("connection"), "close");
  EXPECT_TRUE(answer.complete());
  EXPECT_TRUE(absl::StartsWith(answer.body, "# HELP one Of a test.\n# TYPE one gauge\none 1\n"));
  EXPECT_EQ(HttpGet(port(), "/metrics?name=one").status, 200);
}

TEST_F(MetricsServerTest, PacksForThoseWhoTakeIt) {
  Start();
  for (const char* accepted :
       {"gzip", "GZIP", "deflate, gzip", "gzip;q=0.5, identity", "br;q=1.0, gzip ; q=0.1"}) {
    const HttpAnswer answer =
        HttpGet(port(), "/metrics", absl::StrCat("Accept-Encoding: ", accepted, "\r\n"));
    EXPECT_EQ(answer.header("content-encoding"), "gzip") << accepted;
    EXPECT_EQ(answer.header("vary"), "Accept-Encoding");
    EXPECT_TRUE(answer.complete());
    EXPECT_THAT(Unpacked(answer.body), HasSubstr("\none 1\n")) << accepted;
  }
  for (const char* accepted : {"", "identity", "gzip;q=0", "gzip;Q=0.0", "deflate, gzip; q=0",
                               "gzip;q=much", "gzipped", "x-gzip"}) {
    const HttpAnswer answer =
        HttpGet(port(), "/metrics", absl::StrCat("Accept-Encoding: ", accepted, "\r\n"));
    EXPECT_EQ(answer.header("content-encoding"), "") << accepted;
    EXPECT_THAT(answer.body, HasSubstr("\none 1\n")) << accepted;
  }
}

TEST_F(MetricsServerTest, HeadIsAnsweredWithoutABody) {
  Start();
  for (const char* path : {"/metrics", "/page"}) {
    const HttpAnswer answer = HttpGet(port(), path, "", "HEAD");
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.body, "");
    EXPECT_EQ(answer.header("content-length"), HttpGet(port(), path).header("content-length"));
  }
}

TEST_F(MetricsServerTest, OtherMethodsAreRefused) {
  Start();
  for (const char* path : {"/metrics", "/page"}) {
    for (const char* method : {"POST", "PUT", "DELETE", "PATCH"}) {
      HttpConnection connection(port());
      EXPECT_TRUE(connection.Ask(path, "Content-Length: 5\r\n", method));
      EXPECT_TRUE(connection.Send("a=b&c"));
      const HttpAnswer answer = ParseHttpAnswer(connection.ReceiveAll());
      EXPECT_EQ(answer.status, 405) << method << " " << path;
      EXPECT_EQ(answer.header("allow"), "GET, HEAD");
      EXPECT_TRUE(answer.complete());
    }
  }
  EXPECT_EQ(one_.calls(), 0);
}

TEST_F(MetricsServerTest, ServesOtherPages) {
  Start();
  const HttpAnswer answer = HttpGet(port(), "/page");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.header("content-type"), "application/json; charset=utf-8");
  EXPECT_EQ(answer.body, "[{\"a\": 1}]");
  EXPECT_TRUE(answer.complete());
}

TEST_F(MetricsServerTest, WhatIsNotThereIsNotFound) {
  Start();
  for (const char* path :
       {"/", "/metric", "/metrics/", "/metricss", "/metrics$", "/METRICS", "/page/a", "/sd",
        "/../metrics/x", "/etc/passwd", "/%2e%2e/%2e%2e/etc/passwd"}) {
    EXPECT_EQ(HttpGet(port(), path).status, 404) << path;
  }
  EXPECT_EQ(one_.calls(), 0);
}

TEST_F(MetricsServerTest, AnAddressThatIsTakenIsAnError) {
  Start();
  MetricsServerOptions options;
  options.address = absl::StrCat("localhost:", port());
  options.flag = "--metrics-here";
  const auto second = StartMetricsServer(options, {}, steady_clock_);
  EXPECT_EQ(second.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ErrorReason(second.status()), "LISTEN_FAILED");
  EXPECT_THAT(std::string(second.status().message()), HasSubstr(options.address));
  EXPECT_THAT(std::string(second.status().message()), HasSubstr("--metrics-here"));
}

TEST_F(MetricsServerTest, LocalhostIsAnAddressAndNoHostMeansAll) {
  for (const char* address : {"localhost:0", ":0"}) {
    MetricsServerOptions options;
    options.address = address;
    MetricsPages pages;
    pages.collectables = {&one_};
    const auto server = StartMetricsServer(options, std::move(pages), steady_clock_);
    ASSERT_TRUE(server.ok()) << server.status();
    EXPECT_EQ(HttpGet((*server)->port(), "/metrics").status, 200) << address;
  }
}

TEST_F(MetricsServerTest, AHundredThatSayNothingDoNotSilenceIt) {
  Start();
  std::vector<std::unique_ptr<HttpConnection>> mute;
  for (int i = 0; i < 100; ++i) mute.push_back(std::make_unique<HttpConnection>(port()));
  const absl::Time begin = SteadyNow();
  EXPECT_EQ(HttpGet(port(), "/metrics").status, 200);
  EXPECT_LT(SteadyNow() - begin, absl::Seconds(30));
}

// One that asks byte by byte holds a thread no longer than one that says nothing.
TEST_F(MetricsServerTest, ARequestMustComeInTime) {
  MetricsServerOptions options;
  options.patience = absl::Seconds(1);
  Start(options);
  HttpConnection slow(port());
  const absl::Time give_up = SteadyNow() + absl::Seconds(60);
  bool taken = slow.Send("GET /metrics HTTP/1.1\r\nX: ");
  while (taken && SteadyNow() < give_up) {
    absl::SleepFor(absl::Milliseconds(20));
    taken = slow.Send("x");
  }
  EXPECT_FALSE(taken);
}

TEST_F(MetricsServerTest, AHundredAtOnceShareOneAnswer) {
  const FakeCollectable fleet({LargeFamily(size_t{2} * 1024 * 1024)});
  MetricsServerOptions options;
  options.patience = absl::Minutes(1);
  Start(fleet, options, fake_clock_);
  const std::string expected = prometheus::TextSerializer().Serialize(fleet.families());
  std::atomic<int> whole{0};
  std::vector<std::thread> scrapers;
  for (int i = 0; i < 100; ++i) {
    scrapers.emplace_back([this, &whole, &expected] {
      const HttpAnswer answer = HttpGet(port(), "/metrics");
      if (answer.complete() && absl::StartsWith(answer.body, expected)) ++whole;
    });
  }
  for (std::thread& scraper : scrapers) scraper.join();
  EXPECT_EQ(whole, 100);
  EXPECT_EQ(fleet.calls(), 1);
}

// What the kernel has taken is not dropped at the end.
TEST_F(MetricsServerTest, WhoReadsLateGetsAllOfIt) {
  const FakeCollectable some({LargeFamily(200'000)});
  Start(some, {}, steady_clock_);
  HttpConnection late(port(), kSmallBuffer);
  EXPECT_TRUE(late.Ask("/metrics"));
  std::string bytes = late.Receive(1);
  absl::SleepFor(absl::Milliseconds(500));
  bytes += late.ReceiveAll();
  EXPECT_TRUE(ParseHttpAnswer(bytes).complete());
}

TEST_F(MetricsServerTest, ASlowScraperIsServedForSoLongAndHoldsUpNobody) {
  MetricsServerOptions options;
  options.threads = 2;
  options.longest_answer = absl::Seconds(2);
  Start(large_, options, steady_clock_);
  HttpConnection slow(port(), kSmallBuffer);
  EXPECT_TRUE(slow.Ask("/metrics"));
  std::string bytes = slow.Receive(12);
  // Its time runs at the latest from where its answer began.
  const absl::Time over = SteadyNow() + options.longest_answer;
  EXPECT_EQ(HttpGet(port(), "/page").status, 200);
  while (SteadyNow() < over) {
    bytes += slow.Receive(100);
    absl::SleepFor(absl::Milliseconds(1));
  }
  bytes += slow.ReceiveAll();
  const HttpAnswer answer = ParseHttpAnswer(bytes);
  EXPECT_EQ(answer.status, 200);
  EXPECT_FALSE(answer.complete());
  // By its thread too.
  EXPECT_EQ(HttpGet(port(), "/metrics", "", "HEAD").status, 200);
}

TEST_F(MetricsServerTest, WhoTakesNothingHoldsAThreadForThatPatienceAlone) {
  MetricsServerOptions options;
  options.threads = 2;
  options.patience = absl::Seconds(1);
  options.longest_answer = absl::Hours(1);
  Start(large_, options, steady_clock_);
  std::vector<std::unique_ptr<HttpConnection>> stuck;
  for (int i = 0; i < options.threads; ++i) stuck.push_back(AskAndStop());
  EXPECT_EQ(HttpGet(port(), "/page").status, 200);
}

TEST_F(MetricsServerTest, WhereSlowOnesHoldAllItRefuses) {
  MetricsServerOptions options;
  options.patience = absl::Minutes(1);
  Start(large_, options, fake_clock_);
  std::vector<std::unique_ptr<HttpConnection>> slow;
  for (int i = 0; i < ScrapeRenderer::kMaxAlive; ++i) {
    slow.push_back(AskAndStop());
    fake_clock_.Advance(absl::Seconds(2));
  }
  const HttpAnswer refused = HttpGet(port(), "/metrics");
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.header("retry-after"), "5");
  EXPECT_THAT(refused.body, HasSubstr("scrape less often"));
  EXPECT_TRUE(refused.complete());
  EXPECT_EQ(large_.calls(), ScrapeRenderer::kMaxAlive);
  // Other pages are no scrapes.
  EXPECT_EQ(HttpGet(port(), "/page").status, 200);

  slow.pop_back();
  HttpAnswer answer;
  const absl::Time give_up = SteadyNow() + absl::Seconds(60);
  while ((answer = HttpGet(port(), "/metrics")).status == 503) ASSERT_LT(SteadyNow(), give_up);
  EXPECT_EQ(answer.status, 200);
  EXPECT_THAT(answer.body, HasSubstr("\nhotplugger_metrics_render_duration_seconds_count 4\n"));
}

TEST_F(MetricsServerTest, FewPagesAreKeptForSlowOnes) {
  MetricsServerOptions options;
  options.patience = absl::Minutes(1);
  Start(options);
  std::vector<std::unique_ptr<HttpConnection>> slow;
  for (int i = 0; i < 8; ++i) slow.push_back(AskAndStop("/large"));
  const HttpAnswer refused = HttpGet(port(), "/page");
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.header("retry-after"), "5");
  EXPECT_EQ(HttpGet(port(), "/metrics").status, 200);

  slow.pop_back();
  const absl::Time give_up = SteadyNow() + absl::Seconds(60);
  while (HttpGet(port(), "/page").status == 503) ASSERT_LT(SteadyNow(), give_up);
}

// Nor for those of a port scan, who don't ask or ask half. Systemd kills a program after 30 s.
TEST_F(MetricsServerTest, ItsEndWaitsForNobodyWhoIsSlow) {
  MetricsServerOptions options;
  options.patience = absl::Hours(1);
  options.longest_answer = absl::Hours(1);
  Start(large_, options, steady_clock_);
  std::vector<std::unique_ptr<HttpConnection>> slow;
  for (const char* path : {"/metrics", "/large"}) slow.push_back(AskAndStop(path));
  for (const char* begun : {"", "GET /metrics HTTP/1.1\r\nHost: lo"}) {
    slow.push_back(std::make_unique<HttpConnection>(port()));
    EXPECT_TRUE(slow.back()->Send(begun));
  }
  // They are being served: this one came after them.
  EXPECT_EQ(HttpGet(port(), "/page").status, 200);
  const auto end = std::async(std::launch::async, [this] { server_.reset(); });
  EXPECT_EQ(end.wait_for(std::chrono::seconds(25)), std::future_status::ready);
  // So that it ends in any case.
  slow.clear();
}

}  // namespace
}  // namespace hotplugger
