#include "common/error_info.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "google/rpc/error_details.pb.h"

namespace hotplugger {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST(MakeErrorTest, CarriesReasonDomainAndFacts) {
  const absl::Status status = MakeError(absl::StatusCode::kFailedPrecondition, "LIMIT_CPUS",
                                        "two CPUs must stay", {{"device", "cpu3"}});
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(status.message(), "two CPUs must stay");
  EXPECT_EQ(ErrorReason(status), "LIMIT_CPUS");
  EXPECT_EQ(ErrorMetadataValue(status, "device"), "cpu3");
  EXPECT_EQ(ErrorMetadataValue(status, "node"), "");
  const auto payload = status.GetPayload("type.googleapis.com/google.rpc.ErrorInfo");
  ASSERT_TRUE(payload.has_value());
  google::rpc::ErrorInfo info;
  ASSERT_TRUE(info.ParseFromString(std::string(*payload)));
  EXPECT_EQ(info.domain(), kErrorDomain);
}

TEST(MakeErrorTest, OthersErrorsHaveNoReason) {
  EXPECT_EQ(ErrorReason(absl::OkStatus()), "");
  EXPECT_EQ(ErrorReason(absl::InternalError("x")), "");
  absl::Status damaged = absl::InternalError("x");
  damaged.SetPayload("type.googleapis.com/google.rpc.ErrorInfo", absl::Cord("\xff\xff"));
  EXPECT_EQ(ErrorReason(damaged), "");
}

TEST(MakeFieldErrorsTest, TellsAllAtOnce) {
  const absl::Status status =
      MakeFieldErrors({{"policy.name", "is empty"}, {"policy.cpu.offline", "runs downwards"}});
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message(), "policy.name: is empty\npolicy.cpu.offline: runs downwards");
  EXPECT_EQ(ErrorReason(status), "INVALID_FIELD");
  const std::vector<FieldViolation> violations = ErrorFieldViolations(status);
  ASSERT_THAT(violations, SizeIs(2));
  EXPECT_EQ(violations[1].field, "policy.cpu.offline");
  EXPECT_EQ(violations[1].description, "runs downwards");
}

TEST(MakeFieldErrorsTest, NoneIsOk) {
  EXPECT_EQ(MakeFieldErrors({}), absl::OkStatus());
  EXPECT_THAT(ErrorFieldViolations(absl::InternalError("x")), IsEmpty());
}

TEST(WithRetryDelayTest, KeepsTheRest) {
  const absl::Status status = WithRetryDelay(
      MakeError(absl::StatusCode::kResourceExhausted, "QUEUE_FULL", "full"), absl::Seconds(7));
  EXPECT_EQ(ErrorReason(status), "QUEUE_FULL");
  const auto payload = status.GetPayload("type.googleapis.com/google.rpc.RetryInfo");
  ASSERT_TRUE(payload.has_value());
  google::rpc::RetryInfo info;
  ASSERT_TRUE(info.ParseFromString(std::string(*payload)));
  EXPECT_EQ(info.retry_delay().seconds(), 7);
}

}  // namespace
}  // namespace hotplugger
