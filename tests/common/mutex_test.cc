#include "common/mutex.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace hotplugger {
namespace {

class Counter {
 public:
  void Add() {
    MutexLock lock(&mutex_);
    ++count_;
    changed_.NotifyAll();
  }
  // False when the deadline passed first.
  bool WaitFor(int count, absl::Time deadline) {
    MutexLock lock(&mutex_);
    while (count_ < count && SteadyNow() < deadline) changed_.WaitUntil(&mutex_, deadline);
    return count_ >= count;
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  int count_ ABSL_GUARDED_BY(mutex_) = 0;
};

TEST(MutexTest, CountsEveryThreadsWorkAndWakesTheWaiter) {
  Counter counter;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&counter] {
      for (int j = 0; j < 250; ++j) counter.Add();
    });
  }
  EXPECT_TRUE(counter.WaitFor(1000, absl::InfiniteFuture()));
  for (std::thread& thread : threads) thread.join();
}

TEST(CondVarTest, ADeadlineThatHasPassedEndsTheWait) {
  Counter counter;
  EXPECT_FALSE(counter.WaitFor(1, absl::InfinitePast()));
  EXPECT_FALSE(counter.WaitFor(1, SteadyNow() + absl::Milliseconds(1)));
}

}  // namespace
}  // namespace hotplugger
