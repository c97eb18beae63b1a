#include "agent/devices/rules/item_result.h"

#include <gtest/gtest.h>

#include "common/error_info.h"

namespace hotplugger::agent {
namespace {

using absl::StatusCode;

TEST(ItemResultTest, FailedItemCarriesTheError) {
  const absl::Status status =
      MakeError(StatusCode::kFailedPrecondition, "LAST_HOUSEKEEPING", "cpu3 can't go",
                {{"errno", "EBUSY"}, {"error_number", "16"}, {"retry", "CONDITIONAL"}});
  const v1::ItemResult item = FailedItem("cpu3", status);
  EXPECT_EQ(item.subject(), "cpu3");
  EXPECT_EQ(item.reason(), "LAST_HOUSEKEEPING");
  EXPECT_EQ(item.message(), "cpu3 can't go");
  EXPECT_EQ(item.error_number(), 16);
  EXPECT_EQ(item.retry(), v1::RETRY_CLASS_CONDITIONAL);
  EXPECT_EQ(item.outcome(), v1::OUTCOME_FAILED);
}

TEST(ItemResultTest, OutcomeAndRetryByError) {
  const struct {
    StatusCode code;
    ErrorMetadata facts;
    v1::Outcome outcome;
    v1::RetryClass retry;
  } tests[] = {
      // Refused before a write.
      {StatusCode::kFailedPrecondition, {}, v1::OUTCOME_REFUSED, v1::RETRY_CLASS_PERMANENT},
      {StatusCode::kNotFound, {}, v1::OUTCOME_REFUSED, v1::RETRY_CLASS_PERMANENT},
      {StatusCode::kInvalidArgument, {}, v1::OUTCOME_REFUSED, v1::RETRY_CLASS_PERMANENT},
      {StatusCode::kFailedPrecondition,
       {{"retry", "TRANSIENT"}},
       v1::OUTCOME_REFUSED,
       v1::RETRY_CLASS_TRANSIENT},
      {StatusCode::kFailedPrecondition,
       {{"retry", "CONDITIONAL"}},
       v1::OUTCOME_REFUSED,
       v1::RETRY_CLASS_CONDITIONAL},
      {StatusCode::kFailedPrecondition,
       {{"retry", "nonsense"}},
       v1::OUTCOME_REFUSED,
       v1::RETRY_CLASS_PERMANENT},
      {StatusCode::kFailedPrecondition,
       {{"error_number", "x"}},
       v1::OUTCOME_REFUSED,
       v1::RETRY_CLASS_PERMANENT},
      // Tried.
      {StatusCode::kFailedPrecondition,
       {{"error_number", "1"}},
       v1::OUTCOME_FAILED,
       v1::RETRY_CLASS_PERMANENT},
      {StatusCode::kUnavailable, {}, v1::OUTCOME_FAILED, v1::RETRY_CLASS_TRANSIENT},
      {StatusCode::kUnavailable,
       {{"retry", "PERMANENT"}},
       v1::OUTCOME_FAILED,
       v1::RETRY_CLASS_PERMANENT},
      {StatusCode::kDeadlineExceeded, {}, v1::OUTCOME_FAILED, v1::RETRY_CLASS_CONDITIONAL},
      {StatusCode::kAborted, {}, v1::OUTCOME_FAILED, v1::RETRY_CLASS_CONDITIONAL},
      {StatusCode::kInternal, {}, v1::OUTCOME_FAILED, v1::RETRY_CLASS_CONDITIONAL},
  };
  for (const auto& test : tests) {
    const absl::Status status = MakeError(test.code, "WHY", "because", test.facts);
    const v1::ItemResult item = FailedItem("cpu3", status);
    EXPECT_EQ(item.outcome(), test.outcome) << status;
    EXPECT_EQ(item.retry(), test.retry) << status;
  }
}

TEST(ItemResultTest, AnErrorWithoutReasonIsStillAnItem) {
  const v1::ItemResult item = FailedItem("cpu3", absl::InternalError("odd"));
  EXPECT_EQ(item.reason(), "");
  EXPECT_EQ(item.message(), "odd");
  EXPECT_EQ(item.error_number(), 0);
  EXPECT_EQ(item.outcome(), v1::OUTCOME_FAILED);
}

TEST(ItemResultTest, ChangedAndAlreadyAreSuccess) {
  for (int outcome = v1::Outcome_MIN; outcome <= v1::Outcome_MAX; ++outcome) {
    const v1::ItemResult item = DoneItem("cpu3", static_cast<v1::Outcome>(outcome));
    EXPECT_EQ(item.subject(), "cpu3");
    EXPECT_EQ(item.outcome(), outcome);
    EXPECT_EQ(item.retry(), v1::RETRY_CLASS_UNSPECIFIED);
    EXPECT_EQ(Succeeded(item), outcome == v1::OUTCOME_CHANGED || outcome == v1::OUTCOME_ALREADY);
  }
}

}  // namespace
}  // namespace hotplugger::agent
