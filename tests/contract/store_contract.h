// What every store must do. A test file instantiates StoreContract with a factory for each.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/error_info.h"
#include "server/store/store.h"

namespace hotplugger::server {

struct StoreFactory {
  std::string name;
  // A fresh, empty store.
  std::function<std::unique_ptr<Store>()> make;
};

class StoreContract : public ::testing::TestWithParam<StoreFactory> {
 protected:
  StoreContract() : store_(GetParam().make()) {}

  int64_t Put(const std::string& key, const std::string& value) {
    const auto revision = store_->Commit({{}, {{key, value}}, {}});
    EXPECT_TRUE(revision.ok()) << revision.status();
    return revision.value_or(-1);
  }

  std::optional<KeyValue> Get(const std::string& key) {
    const auto found = store_->Get(key);
    EXPECT_TRUE(found.ok()) << found.status();
    return found.value_or(std::nullopt);
  }

  std::vector<std::string> Keys(const std::string& prefix, const std::string& start_after,
                                size_t limit) {
    const auto found = store_->Range(prefix, start_after, limit);
    EXPECT_TRUE(found.ok()) << found.status();
    std::vector<std::string> keys;
    for (const KeyValue& item : *found) keys.push_back(item.key);
    return keys;
  }

  const std::unique_ptr<Store> store_;
};

TEST_P(StoreContract, TheRevisionIsThatOfTheLastCommit) {
  EXPECT_EQ(store_->Revision().value_or(-1), 0);
  const int64_t revision = Put("a", "1");
  EXPECT_EQ(store_->Revision().value_or(-1), revision);
  EXPECT_FALSE(store_->Commit({{{"a", revision + 1}}, {{"a", "2"}}, {}}).ok());
  EXPECT_EQ(store_->Revision().value_or(-1), revision);
}

TEST_P(StoreContract, AnAbsentKeyIsNoError) { EXPECT_FALSE(Get("nothing").has_value()); }

TEST_P(StoreContract, KeepsBytesOfEveryKind) {
  const std::string bytes("\0\xff'\"%\n", 6);
  Put("k/" + bytes, bytes);
  ASSERT_TRUE(Get("k/" + bytes).has_value());
  EXPECT_EQ(Get("k/" + bytes)->value, bytes);
  Put("empty", "");
  ASSERT_TRUE(Get("empty").has_value());
  EXPECT_EQ(Get("empty")->value, "");
}

TEST_P(StoreContract, RevisionsGrowAndTellCreationFromChange) {
  const int64_t first = Put("a", "1");
  const int64_t second = Put("b", "1");
  const int64_t third = Put("a", "2");
  EXPECT_LT(first, second);
  EXPECT_LT(second, third);
  EXPECT_EQ(Get("a")->create_revision, first);
  EXPECT_EQ(Get("a")->mod_revision, third);
  EXPECT_EQ(Get("a")->value, "2");
}

TEST_P(StoreContract, AKeyThatComesBackIsCreatedAnew) {
  Put("a", "1");
  ASSERT_TRUE(store_->Commit({{}, {}, {"a"}}).ok());
  EXPECT_FALSE(Get("a").has_value());
  const int64_t again = Put("a", "2");
  EXPECT_EQ(Get("a")->create_revision, again);
}

TEST_P(StoreContract, RangeIsOrderedPrefixedAndPaged) {
  for (const char* key : {"p/b", "p/a", "q/a", "p/c", "p", "p0"}) Put(key, "v");
  EXPECT_THAT(Keys("p/", "", 10), ::testing::ElementsAre("p/a", "p/b", "p/c"));
  EXPECT_THAT(Keys("p/", "", 2), ::testing::ElementsAre("p/a", "p/b"));
  EXPECT_THAT(Keys("p/", "p/b", 2), ::testing::ElementsAre("p/c"));
  EXPECT_THAT(Keys("p/", "p/bb", 2), ::testing::ElementsAre("p/c"));
  EXPECT_THAT(Keys("p/", "p/c", 2), ::testing::IsEmpty());
  EXPECT_THAT(Keys("", "", 10), ::testing::ElementsAre("p", "p/a", "p/b", "p/c", "p0", "q/a"));
}

TEST_P(StoreContract, APrefixThatEndsInTheLargestByteWorks) {
  Put("\xff", "v");
  Put("\xff\xff", "v");
  Put("a", "v");
  EXPECT_THAT(Keys("\xff", "", 10), ::testing::ElementsAre("\xff", "\xff\xff"));
}

TEST_P(StoreContract, ATransactionIsAllOrNothing) {
  const int64_t revision = Put("a", "1");
  const auto refused =
      store_->Commit({{{"a", revision}, {"b", revision}}, {{"a", "2"}, {"c", "1"}}, {}});
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kAborted);
  EXPECT_EQ(ErrorReason(refused.status()), "REVISION_MISMATCH");
  EXPECT_THAT(std::string(refused.status().message()), ::testing::HasSubstr("b should be"));
  EXPECT_EQ(Get("a")->value, "1");
  EXPECT_FALSE(Get("c").has_value());

  const auto done = store_->Commit({{{"a", revision}}, {{"b", "1"}, {"c", "1"}}, {"a"}});
  ASSERT_TRUE(done.ok()) << done.status();
  EXPECT_FALSE(Get("a").has_value());
  EXPECT_EQ(Get("b")->mod_revision, *done);
  EXPECT_EQ(Get("c")->mod_revision, *done);
}

TEST_P(StoreContract, AbsenceCanBeDemanded) {
  const Transaction create{{{"a", std::nullopt}}, {{"a", "1"}}, {}};
  EXPECT_TRUE(store_->Commit(create).ok());
  EXPECT_EQ(store_->Commit(create).status().code(), absl::StatusCode::kAborted);
}

TEST_P(StoreContract, AStaleRevisionIsRefused) {
  const int64_t old = Put("a", "1");
  Put("a", "2");
  EXPECT_EQ(store_->Commit({{{"a", old}}, {{"a", "3"}}, {}}).status().code(),
            absl::StatusCode::kAborted);
  EXPECT_EQ(Get("a")->value, "2");
}

TEST_P(StoreContract, DeletingWhatIsAbsentIsNoError) {
  EXPECT_TRUE(store_->Commit({{}, {}, {"nothing"}}).ok());
}

TEST_P(StoreContract, AKeyMayBeWrittenOnceATransaction) {
  for (const Transaction& bad :
       {Transaction{{}, {{"a", "1"}, {"a", "2"}}, {}}, Transaction{{}, {{"a", "1"}}, {"a"}},
        Transaction{{}, {{"", "1"}}, {}}}) {
    EXPECT_EQ(ErrorReason(store_->Commit(bad).status()), "BAD_TRANSACTION");
  }
  EXPECT_FALSE(Get("a").has_value());
}

}  // namespace hotplugger::server
