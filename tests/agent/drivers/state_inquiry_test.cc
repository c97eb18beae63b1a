#include "agent/drivers/state_inquiry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "agent/drivers/registry.h"
#include "common/clock.h"
#include "common/error_info.h"
#include "tests/fakes/fake_driver.h"

namespace hotplugger::agent {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr absl::Duration kPatience = absl::Milliseconds(100);
constexpr absl::Duration kMuch = absl::Seconds(10);

// Its answer comes when a test lets it.
class HangingDriver final : public HotplugDriver {
 public:
  explicit HangingDriver(std::string name) : name_(std::move(name)) {}

  absl::string_view name() const override { return name_; }
  v1::DriverProvider provider() const override { return v1::DRIVER_PROVIDER_UNSPECIFIED; }
  DriverWhitelist whitelist() const override { return std::vector<std::string>(); }
  absl::Status ChangeState(bool, absl::Time) override { return absl::OkStatus(); }
  absl::StatusOr<bool> IsRunning() override {
    MutexLock lock(&mutex_);
    ++asked_;
    const absl::Time give_up = SteadyNow() + kMuch;
    while (hangs_ && SteadyNow() < give_up) changed_.WaitUntil(&mutex_, give_up);
    return true;
  }

  void LetGo() {
    MutexLock lock(&mutex_);
    hangs_ = false;
    changed_.NotifyAll();
  }
  int asked() {
    MutexLock lock(&mutex_);
    return asked_;
  }

 private:
  const std::string name_;
  Mutex mutex_;
  CondVar changed_;
  bool hangs_ ABSL_GUARDED_BY(mutex_) = true;
  int asked_ ABSL_GUARDED_BY(mutex_) = 0;
};

std::vector<v1::DriverState> States(const std::vector<DriverAnswer>& answers) {
  std::vector<v1::DriverState> states;
  for (const DriverAnswer& answer : answers) states.push_back(answer.state);
  return states;
}

TEST(StateInquiryTest, AsksEachAndTellsWhyOneCannotBeAsked) {
  const auto runs = std::make_shared<FakeDriver>("a", std::vector<std::string>());
  runs->set_running(true);
  const auto stopped = std::make_shared<FakeDriver>("b", std::vector<std::string>());
  const auto broken = std::make_shared<FakeDriver>("c", std::vector<std::string>());
  broken->set_ask_answer(absl::InternalError("no file"));
  StateInquiry inquiry(kMuch);
  const auto answers = inquiry.Ask({runs, stopped, broken});
  EXPECT_THAT(States(answers), ElementsAre(v1::DRIVER_STATE_RUNNING, v1::DRIVER_STATE_STOPPED,
                                           v1::DRIVER_STATE_UNKNOWN));
  EXPECT_EQ(answers[2].detail, "no file");
  EXPECT_THAT(inquiry.Ask(std::vector<std::shared_ptr<HotplugDriver>>()), ElementsAre());
}

TEST(StateInquiryTest, OneThatHangsIsUnknownAndHoldsUpNobody) {
  const auto hangs = std::make_shared<HangingDriver>("hangs");
  const auto runs = std::make_shared<FakeDriver>("b", std::vector<std::string>());
  runs->set_running(true);
  StateInquiry inquiry(kPatience);
  std::vector<DriverAnswer> answers = inquiry.Ask({hangs, runs});
  EXPECT_EQ(answers[0].state, v1::DRIVER_STATE_UNKNOWN);
  EXPECT_THAT(answers[0].detail, HasSubstr("hangs has not answered within 100ms"));
  // A machine that is busy may not get to the other one in so little time.
  const absl::Time give_up = SteadyNow() + kMuch;
  while (answers[1].state == v1::DRIVER_STATE_UNKNOWN && SteadyNow() < give_up) {
    answers = inquiry.Ask({hangs, runs});
  }
  EXPECT_THAT(States(answers), ElementsAre(v1::DRIVER_STATE_UNKNOWN, v1::DRIVER_STATE_RUNNING));
  hangs->LetGo();
}

TEST(StateInquiryTest, HoweverManyHangItTakesTheTimeOfOne) {
  constexpr absl::Duration kLongPatience = absl::Seconds(1);
  std::vector<std::shared_ptr<HotplugDriver>> drivers;
  std::vector<std::shared_ptr<HangingDriver>> hanging;
  for (int i = 0; i < 40; ++i) {
    hanging.push_back(std::make_shared<HangingDriver>(absl::StrCat("hangs", i)));
    drivers.push_back(hanging.back());
  }
  StateInquiry inquiry(kLongPatience);
  const absl::Time began = SteadyNow();
  const auto answers = inquiry.Ask(drivers);
  EXPECT_LT(SteadyNow() - began, 10 * kLongPatience) << "on a machine that is busy too";
  for (const DriverAnswer& answer : answers) EXPECT_EQ(answer.state, v1::DRIVER_STATE_UNKNOWN);
  EXPECT_THAT(answers.front().detail, HasSubstr("hangs0 has not answered within 1s"));
  EXPECT_THAT(answers.back().detail, HasSubstr("hangs39 could not be asked"));
  EXPECT_EQ(hanging.back()->asked(), 0);
  for (const auto& driver : hanging) driver->LetGo();
}

TEST(StateInquiryTest, WhileItHangsItIsNotAskedAgainAndOnceItAnsweredItIs) {
  const auto hangs = std::make_shared<HangingDriver>("hangs");
  StateInquiry inquiry(kPatience);
  inquiry.Ask(hangs);
  EXPECT_THAT(inquiry.Ask(hangs).detail, HasSubstr("still hangs"));
  EXPECT_EQ(hangs->asked(), 1);
  hangs->LetGo();
  DriverAnswer answer;
  for (int i = 0; i < 1000 && answer.state != v1::DRIVER_STATE_RUNNING; ++i) {
    answer = inquiry.Ask(hangs);
    absl::SleepFor(absl::Milliseconds(1));
  }
  EXPECT_EQ(answer.state, v1::DRIVER_STATE_RUNNING);
}

TEST(StateInquiryTest, ManyAskAtOnce) {
  std::vector<std::shared_ptr<HotplugDriver>> drivers;
  for (int i = 0; i < 20; ++i) {
    drivers.push_back(
        std::make_shared<FakeDriver>(absl::StrCat("d", i), std::vector<std::string>()));
  }
  StateInquiry inquiry(kMuch);
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 200; ++i) {
        for (const DriverAnswer& answer : inquiry.Ask(drivers)) {
          wrong += answer.state != v1::DRIVER_STATE_STOPPED;
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

// Which drivers it has is told when a test lets it.
class HangingProvider final : public DriverProvider {
 public:
  v1::DriverProvider kind() const override { return v1::DRIVER_PROVIDER_KNOB; }
  absl::StatusOr<DriverList> Refresh() override {
    MutexLock lock(&mutex_);
    ++asked_;
    const absl::Time give_up = SteadyNow() + kMuch;
    while (hangs_ && SteadyNow() < give_up) changed_.WaitUntil(&mutex_, give_up);
    DriverList list;
    list.drivers.push_back(
        std::make_shared<FakeDriver>("late", std::vector<std::string>(), v1::DRIVER_PROVIDER_KNOB));
    return list;
  }

  void SetHanging(bool hangs) {
    MutexLock lock(&mutex_);
    hangs_ = hangs;
    changed_.NotifyAll();
  }
  int asked() {
    MutexLock lock(&mutex_);
    return asked_;
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  bool hangs_ ABSL_GUARDED_BY(mutex_) = true;
  int asked_ ABSL_GUARDED_BY(mutex_) = 0;
};

TEST(StateInquiryTest, AProviderThatHangsIsAWarningAndAskedOnce) {
  SteadyClock clock;
  HangingProvider provider;
  AgentCounters counters;
  Registry registry(clock, counters, {.patience = kPatience});
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(registry.SyncProvider(provider).status(), absl::OkStatus());
  }
  EXPECT_THAT(registry.Warnings(), ElementsAre(HasSubstr("PROVIDER_HANGS: whether there are other "
                                                         "drivers of the kind knob")));
  EXPECT_EQ(provider.asked(), 1);
  provider.SetHanging(false);
  for (int i = 0; i < 1000 && registry.List().empty(); ++i) {
    EXPECT_EQ(registry.SyncProvider(provider).status(), absl::OkStatus());
    absl::SleepFor(absl::Milliseconds(1));
  }
  ASSERT_EQ(registry.List().size(), 1u);
  EXPECT_THAT(registry.Warnings(), ElementsAre());
}

TEST(StateInquiryTest, ARegistryWithOneThatHangsListsAndRefusesToGuess) {
  SteadyClock clock;
  AgentCounters counters;
  Registry registry(clock, counters, {.patience = kPatience});
  const auto hangs = std::make_shared<HangingDriver>("hangs");
  ASSERT_EQ(registry.Register(hangs), absl::OkStatus());
  ASSERT_EQ(registry.Register(std::make_shared<FakeDriver>("alucard", std::vector<std::string>())),
            absl::OkStatus());
  const auto list = registry.List();
  ASSERT_EQ(list.size(), 2u);
  EXPECT_EQ(list[0].state(), v1::DRIVER_STATE_UNKNOWN);
  EXPECT_THAT(list[0].detail(), HasSubstr("hangs"));
  const SwitchResult result = registry.SwitchDrivers({"alucard"}, {}, SteadyNow() + kMuch);
  EXPECT_EQ(ErrorReason(result.status), "DRIVER_STATE_UNKNOWN");
  EXPECT_THAT(std::string(result.status.message()), HasSubstr("hangs"));
  hangs->LetGo();
}

}  // namespace
}  // namespace hotplugger::agent
