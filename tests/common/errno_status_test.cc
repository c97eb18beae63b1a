#include "common/errno_status.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>

#include "common/error_info.h"

namespace hotplugger {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(ErrnoStatusTest, TellsActionPathAndAnswer) {
  const absl::Status status = ErrnoStatus(ENOENT, "opening", "/sys/x");
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(ErrorReason(status), "ENOENT");
  EXPECT_EQ(ErrorMetadataValue(status, "path"), "/sys/x");
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("opening /sys/x: "), HasSubstr("ENOENT")));
}

TEST(ErrnoStatusTest, CodesThatCallersDependOn) {
  EXPECT_EQ(ErrnoStatusCode(ENODEV), absl::StatusCode::kNotFound);
  EXPECT_EQ(ErrnoStatusCode(EACCES), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(ErrnoStatusCode(EBUSY), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ErrnoStatusCode(EAGAIN), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ErrnoStatusCode(ENOSPC), absl::StatusCode::kResourceExhausted);
}

TEST(ErrnoStatusTest, AnUnknownNumberIsToldAsNumber) {
  EXPECT_EQ(ErrnoName(9999), "errno 9999");
  EXPECT_EQ(ErrnoStatusCode(9999), absl::StatusCode::kUnknown);
  EXPECT_FALSE(ErrnoStatus(9999, "writing", "/x").ok());
}

}  // namespace
}  // namespace hotplugger
