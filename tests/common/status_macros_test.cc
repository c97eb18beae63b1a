#include "common/status_macros.h"

#include <gtest/gtest.h>

#include <memory>

namespace hotplugger {
namespace {

absl::Status Pass(const absl::Status& status, int* reached) {
  RETURN_IF_ERROR(status);
  ++*reached;
  return absl::OkStatus();
}

absl::StatusOr<int> Sum(absl::StatusOr<std::unique_ptr<int>> a, absl::StatusOr<int> b) {
  ASSIGN_OR_RETURN(const std::unique_ptr<int> first, std::move(a));
  ASSIGN_OR_RETURN(const int second, b);
  return *first + second;
}

TEST(StatusMacrosTest, ErrorsReturnAndOthersGoOn) {
  int reached = 0;
  EXPECT_EQ(Pass(absl::OkStatus(), &reached), absl::OkStatus());
  EXPECT_EQ(Pass(absl::AbortedError("x"), &reached), absl::AbortedError("x"));
  EXPECT_EQ(reached, 1);
  EXPECT_EQ(*Sum(std::make_unique<int>(1), 2), 3);
  EXPECT_EQ(Sum(std::make_unique<int>(1), absl::AbortedError("b")).status(),
            absl::AbortedError("b"));
  EXPECT_EQ(Sum(absl::AbortedError("a"), 2).status(), absl::AbortedError("a"));
}

}  // namespace
}  // namespace hotplugger
