#include "common/listen_address.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/error_info.h"

namespace hotplugger {
namespace {

using ::testing::HasSubstr;

TEST(ListenAddressTest, IsOneOfThisHosts) {
  for (const char* address :
       {"127.0.0.1:9416", "0.0.0.0:9416", "[::]:9416", "[::1]:0", ":9416", "localhost:65535"}) {
    EXPECT_EQ(CheckListenAddress(address), absl::OkStatus()) << address;
  }
  for (const char* address :
       {"", "9416", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:09416", "127.0.0.1:-1",
        "127.0.0.1:+1", "127.0.0.1: 1", "127.0.0.1:0x10", "node1:9416", "::1:9416", "[::1:9416",
        "[]:9416", "1.2.3:9416", "unix:/run/agent", "127.0.0.1:9416,127.0.0.1:9417", "a b:1"}) {
    const absl::Status status = CheckListenAddress(address);
    EXPECT_EQ(ErrorReason(status), "BAD_ADDRESS") << address;
    EXPECT_THAT(std::string(status.message()), HasSubstr(address));
  }
}

TEST(ListenAddressTest, MetricsAreServedByIpv4Alone) {
  for (const char* address :
       {"127.0.0.1:9415", "0.0.0.0:9415", ":9415", "localhost:0", "10.0.0.1:65535"}) {
    EXPECT_EQ(CheckMetricsListenAddress(address), absl::OkStatus()) << address;
  }
  for (const char* address : {"[::]:9415", "[::1]:9415", "[2001:db8::1]:9415"}) {
    const absl::Status status = CheckMetricsListenAddress(address);
    EXPECT_EQ(ErrorReason(status), "BAD_ADDRESS") << address;
    EXPECT_THAT(std::string(status.message()), HasSubstr("by IPv4 alone")) << address;
  }
  for (const char* address : {"", "9415", "node1:9415", "[::1:9415", "127.0.0.1:9415s", "+9415",
                              "127.0.0.1:0,127.0.0.2:0", "unix:/run/controller"}) {
    EXPECT_EQ(ErrorReason(CheckMetricsListenAddress(address)), "BAD_ADDRESS") << address;
  }
}

TEST(ListenAddressTest, WhereItIsReachedIsAHostAndAPort) {
  for (const char* address : {"node1:9416", "10.0.0.1:1", "[2001:db8::1]:9416", "a.example:9416"}) {
    EXPECT_EQ(CheckReachedAddress(address), absl::OkStatus()) << address;
  }
  for (const std::string& address :
       {std::string(), std::string("node1"), std::string(":9416"), std::string("node1:0"),
        std::string("node1:65536"), std::string("0.0.0.0:9416"), std::string("[::]:9416"),
        std::string("http://node1:9416"), std::string("node 1:9416"), std::string("n\xff:9416"),
        std::string("[node1]:9416"), std::string("[::1\0]:9416", 12),
        "node1:" + std::string(1'000'000, '0') + "1", std::string(254, 'n') + ":9416"}) {
    EXPECT_EQ(ErrorReason(CheckReachedAddress(address)), "BAD_ADDRESS") << address;
  }
}

TEST(ListenAddressTest, NoHostMeansAllAddresses) {
  EXPECT_EQ(WithHost(":9416"), "0.0.0.0:9416");
  EXPECT_EQ(WithHost("127.0.0.1:9416"), "127.0.0.1:9416");
  EXPECT_EQ(WithHost("[::]:9416"), "[::]:9416");
}

TEST(ListenAddressTest, AllAddressesAreReachedUnderTheNodesName) {
  for (const char* listen : {":9416", "0.0.0.0:9416", "[::]:9416"}) {
    EXPECT_EQ(ReachedAddress(listen, 9416, "node1"), "node1:9416") << listen;
  }
  EXPECT_EQ(ReachedAddress("10.0.0.1:0", 4711, "node1"), "10.0.0.1:4711");
  EXPECT_EQ(ReachedAddress("[2001:db8::1]:9416", 9416, "node1"), "[2001:db8::1]:9416");
  // While it is not served.
  EXPECT_EQ(ReachedAddress("0.0.0.0:9416", 0, "node1"), "node1:9416");
  EXPECT_EQ(ReachedAddress("0.0.0.0:0", 0, "node1"), "");
}

// To others it is an address of their own.
TEST(ListenAddressTest, NobodyReachesLoopback) {
  for (const char* listen : {"127.0.0.1:9416", "127.8.9.10:9416", "localhost:9416", "[::1]:9416"}) {
    EXPECT_EQ(ReachedAddress(listen, 9416, "node1"), "") << listen;
  }
}

}  // namespace
}  // namespace hotplugger
