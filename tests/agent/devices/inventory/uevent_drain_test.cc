#include "agent/devices/inventory/uevent_drain.h"

#include <gtest/gtest.h>

namespace hotplugger::agent {
namespace {

// Receives so many events, and then none, for this reason. errno is as a call that succeeds may
// leave it.
class Events {
 public:
  Events(int count, int error_number) : count_(count), error_number_(error_number) {}
  bool operator()() const {
    const bool more = count_-- > 0;
    errno = more ? EINVAL : error_number_;
    return more;
  }

 private:
  mutable int count_;
  const int error_number_;
};

TEST(UeventDrainTest, EventsAreNewsAndCounted) {
  AgentCounters counters;
  EXPECT_TRUE(DrainUevents(Events(3, EAGAIN), counters));
  EXPECT_TRUE(DrainUevents(Events(1, EAGAIN), counters));
  EXPECT_EQ(counters.Snapshot().uevents_received(), 4);
  EXPECT_EQ(counters.Snapshot().uevent_overflows(), 0);
}

// As after a message of another subsystem.
TEST(UeventDrainTest, NothingIsNoNews) {
  AgentCounters counters;
  EXPECT_FALSE(DrainUevents(Events(0, EAGAIN), counters));
  EXPECT_EQ(counters.Snapshot().uevents_received(), 0);
  EXPECT_EQ(counters.Snapshot().uevent_overflows(), 0);
}

TEST(UeventDrainTest, LostEventsAreNewsToo) {
  AgentCounters counters;
  EXPECT_TRUE(DrainUevents(Events(0, ENOBUFS), counters));
  EXPECT_TRUE(DrainUevents(Events(2, ENOBUFS), counters));
  EXPECT_EQ(counters.Snapshot().uevents_received(), 2);
  EXPECT_EQ(counters.Snapshot().uevent_overflows(), 2);
}

}  // namespace
}  // namespace hotplugger::agent
