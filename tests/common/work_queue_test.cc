#include "common/work_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <memory>
#include <thread>
#include <vector>

#include "common/error_info.h"

namespace hotplugger {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// A task that has begun and goes on until it is let go.
class Blocker {
 public:
  explicit Blocker(WorkQueue& queue) {
    EXPECT_EQ(queue.Add([this] {
      begun_.set_value();
      release_.get_future().wait();
    }),
              absl::OkStatus());
    begun_.get_future().wait();
  }
  void Release() { release_.set_value(); }

 private:
  std::promise<void> begun_;
  std::promise<void> release_;
};

TEST(WorkQueueTest, RunsTasksInOrderOnOneThreadOfItsOwn) {
  std::vector<int> order;
  std::vector<std::thread::id> threads;
  WorkQueue queue("test queue", 10);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(queue.Add([&, i] {
      order.push_back(i);
      threads.push_back(std::this_thread::get_id());
    }),
              absl::OkStatus());
  }
  queue.Stop();
  EXPECT_THAT(order, ElementsAre(0, 1, 2));
  EXPECT_THAT(threads, ElementsAre(threads[0], threads[0], threads[0]));
  EXPECT_NE(threads[0], std::this_thread::get_id());
}

TEST(WorkQueueTest, TellsHowItIsUsed) {
  WorkQueue queue("test queue", 2);
  const auto use_is = [&queue](size_t length, int64_t refusals) {
    const WorkQueue::Use use = queue.use();
    EXPECT_EQ(use.length, length);
    EXPECT_EQ(use.capacity, 2u);
    EXPECT_EQ(use.refusals, refusals);
  };
  use_is(0, 0);
  Blocker blocker(queue);
  use_is(0, 0);
  EXPECT_EQ(queue.Add([] {}), absl::OkStatus());
  EXPECT_EQ(queue.Add([] {}), absl::OkStatus());
  use_is(2, 0);
  EXPECT_FALSE(queue.Add([] {}).ok());
  EXPECT_FALSE(queue.Add([] {}).ok());
  use_is(2, 2);
  blocker.Release();
  queue.Stop();
  EXPECT_FALSE(queue.Add([] {}).ok());
  use_is(0, 2);
}

TEST(WorkQueueTest, AFullQueueRefusesAndDoesNotRun) {
  WorkQueue queue("test queue", 2);
  Blocker blocker(queue);
  std::atomic<int> ran{0};
  EXPECT_EQ(queue.Add([&] { ++ran; }), absl::OkStatus());
  EXPECT_EQ(queue.Add([&] { ++ran; }), absl::OkStatus());
  const absl::Status full = queue.Add([&] { ran += 100; });
  EXPECT_EQ(full.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ErrorReason(full), "QUEUE_FULL");
  EXPECT_THAT(std::string(full.message()), HasSubstr("the test queue already holds 2 tasks"));
  EXPECT_EQ(queue.Size(), 3u);
  blocker.Release();
  queue.Stop();
  EXPECT_EQ(ran, 2);
  EXPECT_EQ(queue.Size(), 0u);
}

TEST(WorkQueueTest, StopRunsWhatWasAcceptedAndAcceptsNoMore) {
  WorkQueue queue("test queue", 10);
  Blocker blocker(queue);
  int ran = 0;
  for (int i = 0; i < 5; ++i) EXPECT_EQ(queue.Add([&] { ++ran; }), absl::OkStatus());
  blocker.Release();
  queue.Stop();
  EXPECT_EQ(ran, 5);
  const absl::Status late = queue.Add([&] { ++ran; });
  EXPECT_EQ(ErrorReason(late), "SHUTTING_DOWN");
  queue.Stop();
  EXPECT_EQ(ran, 5);
}

TEST(WorkQueueTest, ATaskMayAddAnother) {
  std::promise<void> done;
  WorkQueue queue("test queue", 10);
  EXPECT_EQ(queue.Add([&] { EXPECT_TRUE(queue.Add([&] { done.set_value(); }).ok()); }),
            absl::OkStatus());
  done.get_future().wait();
}

TEST(WorkQueueTest, TakesTasksThatCannotBeCopied) {
  int result = 0;
  {
    WorkQueue queue("test queue", 1);
    EXPECT_EQ(queue.Add([&result, value = std::make_unique<int>(7)] { result = *value; }),
              absl::OkStatus());
  }
  EXPECT_EQ(result, 7);
}

TEST(WorkQueueTest, EveryAcceptedTaskOfManyThreadsRunsOnce) {
  std::atomic<int> accepted{0};
  int ran = 0;
  WorkQueue queue("test queue", 8);
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&] {
      for (int i = 0; i < 500; ++i) {
        if (queue.Add([&ran] { ++ran; }).ok()) ++accepted;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  queue.Stop();
  EXPECT_EQ(ran, accepted);
  EXPECT_GT(ran, 0);
}

}  // namespace
}  // namespace hotplugger
