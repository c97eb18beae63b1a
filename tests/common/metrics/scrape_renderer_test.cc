#include "common/metrics/scrape_renderer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/text_serializer.h>

#include <memory>
#include <thread>

#include "absl/strings/match.h"
#include "common/error_info.h"
#include "tests/fakes/fake_clock.h"
#include "tests/fakes/fake_collectable.h"
#include "tests/fakes/unpacked.h"

namespace hotplugger {
namespace {

using testing::BlockingCollectable;
using testing::FakeCollectable;
using ::testing::HasSubstr;
using testing::LargeFamily;
using testing::Unpacked;

using Shared = std::shared_ptr<const Rendering>;

// Each look at it is half a minute after the one before.
class HastyClock final : public Clock {
 public:
  absl::Time Now() override { return absl::UnixEpoch() + ++looks_ * absl::Seconds(30); }

 private:
  std::atomic<int> looks_{0};
};

class ScrapeRendererTest : public ::testing::Test {
 protected:
  Shared Render(ScrapeRenderer* renderer) {
    const auto rendering = renderer->Render();
    EXPECT_TRUE(rendering.ok()) << rendering.status();
    return rendering.value_or(nullptr);
  }

  // Renderings that somebody holds, each another one.
  std::vector<Shared> HoldAll(ScrapeRenderer* renderer) {
    std::vector<Shared> held;
    for (int i = 0; i < ScrapeRenderer::kMaxAlive; ++i) {
      held.push_back(Render(renderer));
      clock_.Advance(absl::Seconds(2));
    }
    return held;
  }

  FakeClock clock_;
  FakeCollectable one_{{SingleGauge("one", "Of a test.", 1)}};
};

TEST_F(ScrapeRendererTest, WritesAllInOrderAndItsOwnLast) {
  const FakeCollectable first({SingleGauge("one", "Of a test.", 1), LargeFamily(100'000)});
  const FakeCollectable second({SingleCounter("made_total", "Made.", 2)});
  ScrapeRenderer renderer({&first, &second}, clock_);
  std::vector<prometheus::MetricFamily> all = first.families();
  all.insert(all.end(), second.families().begin(), second.families().end());
  const std::string expected = prometheus::TextSerializer().Serialize(all);
  const std::string text = Render(&renderer)->text();
  EXPECT_GT(expected.size(), 64u * 1024);
  EXPECT_TRUE(absl::StartsWith(text, expected));
  EXPECT_TRUE(absl::StartsWith(absl::string_view(text).substr(expected.size()),
                               "# HELP hotplugger_metrics_render_duration_seconds "));
}

TEST_F(ScrapeRendererTest, OneAnswerServesASecond) {
  ScrapeRenderer renderer({&one_}, clock_);
  const Shared first = Render(&renderer);
  clock_.Advance(ScrapeRenderer::kFreshness);
  EXPECT_EQ(Render(&renderer), first);
  EXPECT_EQ(one_.calls(), 1);
  clock_.Advance(absl::Milliseconds(1));
  EXPECT_NE(Render(&renderer), first);
  EXPECT_EQ(one_.calls(), 2);
}

TEST_F(ScrapeRendererTest, WhoAsksWhileItIsMadeGetsTheSame) {
  BlockingCollectable blocking;
  ScrapeRenderer renderer({&blocking}, clock_);
  std::vector<Shared> answers(10);
  std::vector<std::thread> threads;
  for (Shared& answer : answers) {
    threads.emplace_back([this, &renderer, &answer] { answer = Render(&renderer); });
  }
  blocking.AwaitBegun();
  blocking.Release();
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(blocking.calls(), 1);
  for (const Shared& answer : answers) EXPECT_EQ(answer, answers.front());
}

TEST_F(ScrapeRendererTest, WhoAsksMuchLaterIsNotGivenWhatWasBegunBefore) {
  BlockingCollectable blocking;
  ScrapeRenderer renderer({&blocking}, clock_);
  Shared early;
  std::thread first([this, &renderer, &early] { early = Render(&renderer); });
  blocking.AwaitBegun();
  clock_.Advance(absl::Seconds(2));
  Shared late;
  std::thread second([this, &renderer, &late] { late = Render(&renderer); });
  blocking.Release();
  first.join();
  second.join();
  EXPECT_NE(early, late);
  EXPECT_EQ(blocking.calls(), 2);
}

TEST_F(ScrapeRendererTest, NobodyWaitsForEverForAnother) {
  BlockingCollectable blocking;
  HastyClock clock;
  ScrapeRenderer renderer({&blocking}, clock);
  std::thread first([this, &renderer] { Render(&renderer); });
  blocking.AwaitBegun();
  const auto second = renderer.Render();
  EXPECT_EQ(second.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ErrorReason(second.status()), "METRICS_NOT_READY");
  EXPECT_THAT(std::string(second.status().message()), HasSubstr("not there after 10s"));
  blocking.Release();
  first.join();
  EXPECT_THAT(Render(&renderer)->text(),
              HasSubstr("\nhotplugger_metrics_scrapes_refused_total 1\n"));
}

TEST_F(ScrapeRendererTest, SlowOnesHoldFewAnswers) {
  ScrapeRenderer renderer({&one_}, clock_);
  std::vector<Shared> held = HoldAll(&renderer);
  for (int i = 0; i < 3; ++i) {
    const auto refused = renderer.Render();
    EXPECT_EQ(refused.status().code(), absl::StatusCode::kUnavailable);
    EXPECT_EQ(ErrorReason(refused.status()), "TOO_MANY_SCRAPES");
  }
  EXPECT_EQ(one_.calls(), ScrapeRenderer::kMaxAlive);
  held.pop_back();
  EXPECT_THAT(Render(&renderer)->text(),
              HasSubstr("\nhotplugger_metrics_scrapes_refused_total 3\n"));
}

TEST_F(ScrapeRendererTest, AnAnswerThatManyHoldIsOne) {
  ScrapeRenderer renderer({&one_}, clock_);
  std::vector<Shared> held;
  for (int i = 0; i < 100; ++i) held.push_back(Render(&renderer));
  clock_.Advance(absl::Seconds(2));
  EXPECT_TRUE(renderer.Render().ok());
  EXPECT_EQ(one_.calls(), 2);
}

TEST_F(ScrapeRendererTest, CountsItsAnswersAndHowLongTheyTook) {
  // Its own clock stands still, so that each takes no time.
  ScrapeRenderer renderer({&one_}, clock_);
  EXPECT_THAT(Render(&renderer)->text(),
              HasSubstr("\nhotplugger_metrics_render_duration_seconds_count 0\n"));
  clock_.Advance(absl::Seconds(2));
  const std::string text = Render(&renderer)->text();
  EXPECT_THAT(text, HasSubstr("\nhotplugger_metrics_render_duration_seconds_count 1\n"));
  EXPECT_THAT(text,
              HasSubstr("\nhotplugger_metrics_render_duration_seconds_bucket{le=\"0.0001\"} 1\n"));
}

TEST_F(ScrapeRendererTest, GzipHoldsTheSame) {
  const FakeCollectable large({LargeFamily(1'000'000)});
  ScrapeRenderer renderer({&large}, clock_);
  const Shared rendering = Render(&renderer);
  // Asked for by several at once.
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back(
        [&rendering] { EXPECT_EQ(Unpacked(rendering->gzip()), rendering->text()); });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_LT(rendering->gzip().size(), rendering->text().size() / 4);
}

}  // namespace
}  // namespace hotplugger
