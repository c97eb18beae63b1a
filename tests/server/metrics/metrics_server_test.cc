// /metrics over a socket, while others hold connections open and say nothing.
#include "server/metrics/metrics_server.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <string>
#include <vector>

#include "common/clock.h"
#include "common/scoped_fd.h"
#include "tests/server/fleet/fleet_fixture.h"

namespace hotplugger::server {
namespace {

using ::testing::HasSubstr;

class MetricsServerTest : public FleetFixture {
 protected:
  MetricsServerTest() {
    auto server = StartMetricsServer("127.0.0.1:0", {registry_.get(), &counters_, kEpoch, "1.2.3"});
    EXPECT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }

  // Nothing on it takes longer than 30 s.
  ScopedFd Connect() const {
    ScopedFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const timeval patience{30, 0};
    setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(server_->port()));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address),
              0);
    return socket;
  }

  std::string Get() const {
    const ScopedFd socket = Connect();
    const std::string request = "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n";
    EXPECT_EQ(send(socket.get(), request.data(), request.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(request.size()));
    std::string answer;
    char buffer[4096];
    for (ssize_t got = 0; (got = recv(socket.get(), buffer, sizeof buffer, 0)) > 0;) {
      answer.append(buffer, static_cast<size_t>(got));
    }
    return answer;
  }

  std::unique_ptr<MetricsServer> server_;
};

TEST_F(MetricsServerTest, ShowsTheFleetAndClosesTheConnection) {
  const std::string answer = Get();
  EXPECT_THAT(answer, HasSubstr("200 OK"));
  EXPECT_THAT(answer, HasSubstr("hotplugger_controller_epoch 7"));
}

TEST_F(MetricsServerTest, AHundredThatSayNothingDoNotSilenceIt) {
  std::vector<ScopedFd> mute;
  for (int i = 0; i < 100; ++i) mute.push_back(Connect());
  const absl::Time begin = SteadyNow();
  EXPECT_THAT(Get(), HasSubstr("hotplugger_controller_epoch 7"));
  EXPECT_LT(SteadyNow() - begin, absl::Seconds(20));
}

}  // namespace
}  // namespace hotplugger::server
