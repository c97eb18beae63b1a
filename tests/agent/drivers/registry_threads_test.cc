// Several threads on one registry. Under the thread sanitizer, this is where it looks.
#include <atomic>
#include <random>
#include <thread>

#include "tests/agent/drivers/registry_fixture.h"

namespace hotplugger::agent {
namespace {

using ::testing::AnyOf;
using ::testing::Eq;
using ::testing::SizeIs;

constexpr int kThreads = 4;
constexpr int kRounds = 300;

class RegistryThreadsTest : public RegistryTest {
 protected:
  // Drivers that spare nobody, call back as they start, and notice a second thread among them.
  void AddWatchful(const std::string& name) {
    auto driver = Add(name);
    FakeDriver* raw = driver.get();
    raw->set_log(nullptr);
    raw->set_calls_disable_conflicts(true);
    raw->set_hook([this, raw](bool running, absl::Time deadline) {
      const std::thread::id before = inside_.exchange(std::this_thread::get_id());
      if (before != std::thread::id() && before != std::this_thread::get_id()) collided_ = true;
      absl::Status status;
      if (running) status = registry_.DisableConflicts(raw->name(), deadline).status;
      inside_ = before;
      return status;
    });
  }

  void Churn(unsigned seed) {
    std::mt19937 random(seed);
    for (int round = 0; round < kRounds; ++round) {
      const std::string name = absl::StrCat("driver", random() % 3);
      absl::Status status;
      switch (random() % 6) {
        case 0:
          status = registry_.EnableOne(name, Deadline()).status;
          break;
        case 1:
          status = registry_.DisableOne(name, Deadline()).status;
          break;
        case 2:
          status = registry_.SwitchDrivers({name}, {}, Deadline()).status;
          break;
        case 3:
          status = registry_.DisableConflicts(name, Deadline()).status;
          break;
        case 4:
          status = registry_.SetWhitelistOverrides({});
          break;
        default:
          registry_.List();
          registry_.Warnings();
          break;
      }
      if (status.ok()) continue;
      ++refused_;
      EXPECT_EQ(ErrorReason(status), "SWITCH_IN_PROGRESS") << status;
    }
  }

  std::atomic<std::thread::id> inside_{};
  std::atomic<bool> collided_{false};
  std::atomic<int> refused_{0};
};

TEST_F(RegistryThreadsTest, OneSwitchAtATimeAndNoDeadlock) {
  for (int i = 0; i < 3; ++i) AddWatchful(absl::StrCat("driver", i));
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < kThreads; ++i) threads.emplace_back([this, i] { Churn(i); });
  for (std::thread& thread : threads) thread.join();
  EXPECT_FALSE(collided_);
  EXPECT_THAT(Running(), AnyOf(SizeIs(0), SizeIs(1))) << "they spare nobody";
  // The last switch has left the registry free.
  EXPECT_EQ(registry_.EnableOne("driver0", Deadline()).status, absl::OkStatus());
}

TEST_F(RegistryThreadsTest, DriversComeAndGoMeanwhile) {
  Add("stays", Names(), true)->set_log(nullptr);
  std::thread comes_and_goes([this] {
    for (int round = 0; round < kRounds; ++round) {
      EXPECT_EQ(registry_.Register(std::make_shared<FakeDriver>("comes", Names())),
                absl::OkStatus());
      absl::Status status;
      do {
        status = registry_.Unregister("comes", Deadline()).status;
      } while (ErrorReason(status) == "SWITCH_IN_PROGRESS");
      EXPECT_EQ(status, absl::OkStatus());
    }
  });
  for (int round = 0; round < kRounds; ++round) {
    const absl::Status status = registry_.SwitchDrivers({"comes"}, {}, Deadline()).status;
    EXPECT_THAT(ErrorReason(status),
                AnyOf(Eq(""), Eq("DRIVER_NOT_REGISTERED"), Eq("SWITCH_IN_PROGRESS")))
        << status;
    registry_.SetSwitching(true);
  }
  comes_and_goes.join();
  EXPECT_THAT(Listed(), ::testing::ElementsAre("stays"));
}

}  // namespace
}  // namespace hotplugger::agent
