#include "agent/listener.h"

#include <gtest/gtest.h>

namespace hotplugger::agent {
namespace {

// Beats when a test says so.
class ManualTicker final : public Ticker {
 public:
  struct Beat {
    absl::Duration interval;
    std::function<void()> tick;
  };
  explicit ManualTicker(Beat& beat) : beat_(beat) {}
  void Start(absl::Duration interval, std::function<void()> tick) override {
    beat_ = {interval, std::move(tick)};
  }
  void Stop() override { beat_ = {}; }

 private:
  Beat& beat_;
};

class ListenerTest : public ::testing::Test {
 protected:
  ManualTicker::Beat beat_;
  absl::Status answer_;
  int tries_ = 0;
  int successes_ = 0;
  Listener listener_{[this] {
                       ++tries_;
                       return answer_;
                     },
                     [this] { ++successes_; }, std::make_unique<ManualTicker>(beat_)};
};

TEST_F(ListenerTest, WhatListensAtOnceIsNotTriedAgain) {
  EXPECT_EQ(listener_.Start(), absl::OkStatus());
  EXPECT_EQ(tries_, 1);
  EXPECT_EQ(successes_, 0) << "Start has said so";
  EXPECT_EQ(beat_.tick, nullptr);
}

TEST_F(ListenerTest, WhatDoesNotIsTriedAgainEachMinuteUntilItDoes) {
  answer_ = absl::UnavailableError("in use");
  EXPECT_EQ(listener_.Start(), answer_);
  ASSERT_NE(beat_.tick, nullptr);
  EXPECT_EQ(beat_.interval, absl::Seconds(60));
  beat_.tick();
  EXPECT_EQ(tries_, 2);
  EXPECT_EQ(successes_, 0);
  answer_ = absl::OkStatus();
  beat_.tick();
  beat_.tick();
  EXPECT_EQ(tries_, 3);
  EXPECT_EQ(successes_, 1);
}

TEST_F(ListenerTest, StoppedItTriesNoMore) {
  answer_ = absl::UnavailableError("in use");
  EXPECT_EQ(listener_.Start(), answer_);
  listener_.Stop();
  EXPECT_EQ(beat_.tick, nullptr);
  listener_.Stop();
}

}  // namespace
}  // namespace hotplugger::agent
