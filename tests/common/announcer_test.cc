#include "common/announcer.h"

#include <gtest/gtest.h>

#include <atomic>

#include "absl/synchronization/notification.h"

namespace hotplugger {
namespace {

class Counter final : public Announcer::Listener {
 public:
  void Changed() override {
    ++calls;
    if (!told.HasBeenNotified()) told.Notify();
  }
  std::atomic<int> calls = 0;
  absl::Notification told;
};

TEST(AnnouncerTest, ListenersHearOfABurstOnce) {
  Announcer announcer;
  const auto listener = std::make_shared<Counter>();
  announcer.AddListener(listener);
  for (int i = 0; i < 1000; ++i) announcer.Announce();
  ASSERT_TRUE(listener->told.WaitForNotificationWithTimeout(absl::Seconds(30)));
  announcer.Stop();
  EXPECT_LE(listener->calls, 3);
}

TEST(AnnouncerTest, WhoIsGoneIsNotTold) {
  Announcer announcer;
  announcer.AddListener(std::make_shared<Counter>());
  const auto listener = std::make_shared<Counter>();
  announcer.AddListener(listener);
  announcer.Announce();
  ASSERT_TRUE(listener->told.WaitForNotificationWithTimeout(absl::Seconds(30)));
}

TEST(AnnouncerTest, NobodyIsToldAfterItsEnd) {
  Announcer announcer;
  const auto listener = std::make_shared<Counter>();
  announcer.AddListener(listener);
  announcer.Stop();
  announcer.Announce();
  announcer.Stop();
  EXPECT_EQ(listener->calls, 0);
}

}  // namespace
}  // namespace hotplugger
