#include "common/transport/grpc_status.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "common/error_info.h"

namespace hotplugger {
namespace {

using ::testing::EndsWith;
using ::testing::StartsWith;

TEST(GrpcStatusTest, OkIsOk) {
  EXPECT_TRUE(ToGrpcStatus(absl::OkStatus()).ok());
  EXPECT_EQ(FromGrpcStatus(grpc::Status::OK), absl::OkStatus());
}

TEST(GrpcStatusTest, EveryCodeGoesThereAndBack) {
  for (int code = 1; code <= 16; ++code) {
    const absl::Status status(static_cast<absl::StatusCode>(code), "m");
    EXPECT_EQ(static_cast<int>(ToGrpcStatus(status).error_code()), code);
    EXPECT_EQ(FromGrpcStatus(ToGrpcStatus(status)), status);
  }
}

TEST(GrpcStatusTest, DetailsGoThereAndBack) {
  const absl::Status status = WithRetryDelay(
      MakeError(absl::StatusCode::kUnavailable, "QUEUE_FULL", "full … wait", {{"queue", "host"}}),
      absl::Seconds(3));
  EXPECT_EQ(FromGrpcStatus(ToGrpcStatus(status)), status);
  const absl::Status fields = MakeFieldErrors({{"a", "b"}});
  EXPECT_EQ(ErrorFieldViolations(FromGrpcStatus(ToGrpcStatus(fields))).size(), 1u);
}

TEST(GrpcStatusTest, APeersStatusWithoutDetailsKeepsItsMessage) {
  const grpc::Status plain(grpc::StatusCode::UNAVAILABLE, "connection refused");
  EXPECT_EQ(FromGrpcStatus(plain), absl::UnavailableError("connection refused"));
  const grpc::Status damaged(grpc::StatusCode::INTERNAL, "m", "\xff\xff no message");
  EXPECT_EQ(FromGrpcStatus(damaged), absl::InternalError("m"));
}

// Trailers of 8 KiB and more end the call; percent encoding makes three bytes of one.
TEST(GrpcStatusTest, WhatIsTooLongForTrailersIsCutAndSaysSo) {
  std::vector<FieldViolation> violations;
  for (int i = 0; i < 500; ++i) violations.push_back({"field" + std::to_string(i), "is wrong"});
  const absl::Status status = MakeFieldErrors(violations);
  const grpc::Status wire = ToGrpcStatus(status);
  EXPECT_THAT(wire.error_message(), StartsWith("field0: is wrong"));
  EXPECT_THAT(wire.error_message(), EndsWith("…"));
  EXPECT_LT(wire.error_message().size() + wire.error_details().size() * 4 / 3, 8192u);
  EXPECT_EQ(ErrorReason(FromGrpcStatus(wire)), "INVALID_FIELD") << "the reason is not cut";
}

TEST(GrpcStatusTest, ACutInTheMiddleOfACharacterLosesNoReason) {
  for (size_t padding = 0; padding < 4; ++padding) {
    std::string message(padding, 'x');
    while (message.size() < 6000) message += "\xe2\x80\xa6";
    const absl::Status status = MakeError(absl::StatusCode::kInternal, "LONG", message);
    EXPECT_EQ(ErrorReason(FromGrpcStatus(ToGrpcStatus(status))), "LONG") << padding;
  }
}

}  // namespace
}  // namespace hotplugger
