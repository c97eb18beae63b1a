#include "common/transport/address.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/error_info.h"

namespace hotplugger {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(CheckPlaintextAddressTest, LoopbackAndUnixSocketsAreFine) {
  for (const char* address : {"127.0.0.1:7443", "127.9.9.9:1", "localhost:0", "[::1]:7443",
                              "unix:/run/x.sock", "unix:x"}) {
    EXPECT_EQ(CheckPlaintextAddress("--listen", address, false), absl::OkStatus()) << address;
  }
}

TEST(CheckPlaintextAddressTest, OthersNeedInsecure) {
  for (const char* address :
       {"0.0.0.0:7443", "10.0.0.1:7443", "[::]:7443", "example.com:443", "[2001:db8::1]:7443"}) {
    const absl::Status status = CheckPlaintextAddress("--listen", address, false);
    EXPECT_EQ(status.code(), absl::StatusCode::kPermissionDenied) << address;
    EXPECT_EQ(ErrorReason(status), "PLAINTEXT_REFUSED");
    EXPECT_THAT(std::string(status.message()),
                AllOf(HasSubstr("--listen"), HasSubstr(address), HasSubstr("--insecure")));
    EXPECT_EQ(CheckPlaintextAddress("--listen", address, true), absl::OkStatus()) << address;
  }
}

TEST(CheckPlaintextAddressTest, WhatIsNoAddressIsRefusedAlsoWithInsecure) {
  for (const char* address :
       {"", "localhost", ":7443", "localhost:", "localhost:x", "localhost:-1", "localhost:65536"}) {
    const absl::Status status = CheckPlaintextAddress("--listen", address, true);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << address;
    ASSERT_EQ(ErrorFieldViolations(status).size(), 1u);
    EXPECT_EQ(ErrorFieldViolations(status)[0].field, "--listen");
  }
}

// A name that merely begins like a loopback address leads anywhere.
TEST(CheckPlaintextAddressTest, ANameThatLooksLikeLoopbackIsNot) {
  for (const char* address :
       {"127.example.com:7443", "127.0.0.1.example.com:7443", "localhost.example.com:7443"}) {
    EXPECT_FALSE(CheckPlaintextAddress("--listen", address, false).ok()) << address;
  }
}

}  // namespace
}  // namespace hotplugger
