#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/error_info.h"

namespace hotplugger::testing {

// What a limit's refusal must say.
struct ExpectedLimit {
  std::string reason;
  std::string key;
  std::string value;
  // Empty: the limit counts nothing.
  std::string left;
  std::string device;
};

inline void ExpectRefusal(const absl::Status& status, const ExpectedLimit& expected) {
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << status;
  EXPECT_EQ(ErrorReason(status), expected.reason) << status;
  EXPECT_EQ(ErrorMetadataValue(status, "limit"), expected.key);
  EXPECT_EQ(ErrorMetadataValue(status, "value"), expected.value);
  EXPECT_EQ(ErrorMetadataValue(status, "left"), expected.left);
  EXPECT_EQ(ErrorMetadataValue(status, "device"), expected.device);
  const std::string message(status.message());
  EXPECT_THAT(message,
              ::testing::HasSubstr(absl::StrCat("limits.", expected.key, " is ", expected.value,
                                                "; its agent.yaml can change that")));
  EXPECT_THAT(message, ::testing::HasSubstr(expected.left));
}

}  // namespace hotplugger::testing
