#include "server/store/timed_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tests/fakes/fake_clock.h"
#include "tests/fakes/memory_store.h"

namespace hotplugger::server {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// A store whose every operation takes two seconds.
class SlowStore final : public Store {
 public:
  explicit SlowStore(FakeClock* clock) : clock_(clock) {}
  absl::StatusOr<int64_t> Revision() override { return Slowly(store_.Revision()); }
  absl::StatusOr<std::optional<KeyValue>> Get(absl::string_view key) override {
    return Slowly(store_.Get(key));
  }
  absl::StatusOr<std::vector<KeyValue>> Range(absl::string_view prefix,
                                              absl::string_view start_after,
                                              size_t limit) override {
    return Slowly(store_.Range(prefix, start_after, limit));
  }
  absl::StatusOr<int64_t> Commit(const Transaction& transaction) override {
    return Slowly(store_.Commit(transaction));
  }
  testing::MemoryStore& store() { return store_; }

 private:
  template <typename Answer>
  Answer Slowly(Answer answer) {
    clock_->Advance(absl::Seconds(2));
    return answer;
  }

  FakeClock* const clock_;
  testing::MemoryStore store_;
};

class TimedStoreTest : public ::testing::Test {
 protected:
  TimedStoreTest() {
    auto slow = std::make_unique<SlowStore>(&clock_);
    slow_ = slow.get();
    store_ = std::make_unique<TimedStore>(std::move(slow), &timings_, &clock_);
  }

  // "OPERATION RESULT COUNT SECONDS" of those that came.
  std::vector<std::string> Measured() {
    std::vector<std::string> measured;
    for (const StoreTimings::Series& series : timings_.Counts()) {
      const std::vector<int64_t>& buckets = series.durations.buckets;
      const int64_t count = std::accumulate(buckets.begin(), buckets.end(), int64_t{0});
      if (count == 0) continue;
      measured.push_back(absl::StrCat(series.operation, " ", series.result, " ", count, " ",
                                      series.durations.sum_seconds));
    }
    return measured;
  }

  FakeClock clock_;
  StoreTimings timings_;
  SlowStore* slow_ = nullptr;
  std::unique_ptr<TimedStore> store_;
};

TEST_F(TimedStoreTest, EachOperationIsMeasured) {
  EXPECT_THAT(Measured(), IsEmpty());
  ASSERT_TRUE(store_->Revision().ok());
  ASSERT_TRUE(store_->Get("a").ok());
  ASSERT_TRUE(store_->Range("", "", 1).ok());
  ASSERT_TRUE(store_->Range("", "", 1).ok());
  ASSERT_TRUE(store_->Commit({{}, {{"a", "1"}}, {}}).ok());
  EXPECT_THAT(Measured(),
              ElementsAre("get ok 1 2", "range ok 2 4", "commit ok 1 2", "revision ok 1 2"));
}

TEST_F(TimedStoreTest, AConflictIsNoError) {
  EXPECT_FALSE(store_->Commit({{{"a", 7}}, {{"a", "1"}}, {}}).ok());
  EXPECT_FALSE(store_->Commit({{}, {{"", "1"}}, {}}).ok());
  slow_->store().FailCommits(absl::AbortedError("not a conflict, for all its code"));
  EXPECT_FALSE(store_->Commit({{}, {{"a", "1"}}, {}}).ok());
  EXPECT_THAT(Measured(), ElementsAre("commit conflict 1 2", "commit error 2 4"));
}

TEST_F(TimedStoreTest, WhatNeverCameIsThereToo) {
  std::vector<std::string> series;
  for (const StoreTimings::Series& one : timings_.Counts()) {
    series.push_back(absl::StrCat(one.operation, " ", one.result));
  }
  EXPECT_THAT(series,
              ElementsAre("get ok", "get error", "range ok", "range error", "commit ok",
                          "commit conflict", "commit error", "revision ok", "revision error"));
}

}  // namespace
}  // namespace hotplugger::server
