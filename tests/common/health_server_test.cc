#include "common/transport/health_server.h"

#include <gmock/gmock.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/health_check_service_interface.h>
#include <gtest/gtest.h>

#include <optional>

#include "common/error_info.h"
#include "tests/fakes/health_client.h"

namespace hotplugger {
namespace {

using testing::CheckHealth;
using testing::HealthWord;
using testing::RawCall;

class HealthServerTest : public ::testing::Test {
 protected:
  void Start(const std::string& address = "127.0.0.1:0") {
    auto server = StartHealthServer(address);
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }

  std::unique_ptr<HealthServer> server_;
};

TEST_F(HealthServerTest, TellsWhetherItServes) {
  Start();
  EXPECT_EQ(CheckHealth(server_->port()), "NOT_SERVING");
  server_->SetServing(true);
  EXPECT_EQ(CheckHealth(server_->port()), "SERVING");
  server_->SetServing(false);
  EXPECT_EQ(CheckHealth(server_->port()), "NOT_SERVING");
}

TEST_F(HealthServerTest, WatchersHearOfChangesAndEndWithIt) {
  Start();
  std::optional<RawCall> watch(std::in_place, server_->port(), "/grpc.health.v1.Health/Watch", "");
  std::string answer;
  ASSERT_TRUE(watch->Read(&answer));
  EXPECT_EQ(HealthWord(answer), "NOT_SERVING");
  server_->SetServing(true);
  ASSERT_TRUE(watch->Read(&answer));
  EXPECT_EQ(HealthWord(answer), "SERVING");
  // With a watch that goes on.
  server_.reset();
  while (watch->Read(&answer)) {
  }
  EXPECT_NE(watch->Finish(/*cancel=*/false), grpc::StatusCode::OK);
}

// Whatever else the process has for its servers.
TEST_F(HealthServerTest, AnswersNothingElse) {
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  Start();
  server_->SetServing(true);
  for (const char* path :
       {"/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
        "/hotplugger.v1.FleetService/ListNodes", "/grpc.health.v1.Health/Other"}) {
    RawCall call(server_->port(), path, std::string("\x3a\x01*", 3));
    std::string answer;
    EXPECT_FALSE(call.Read(&answer)) << path;
    EXPECT_EQ(call.Finish(/*cancel=*/false), grpc::StatusCode::UNIMPLEMENTED) << path;
  }
}

TEST_F(HealthServerTest, LeavesTheProcessAsItWas) {
  for (const bool enabled : {false, true}) {
    grpc::EnableDefaultHealthCheckService(enabled);
    Start();
    EXPECT_EQ(grpc::DefaultHealthCheckServiceEnabled(), enabled);
    EXPECT_EQ(CheckHealth(server_->port()), "NOT_SERVING");
  }
}

TEST_F(HealthServerTest, NoHostMeansAllAddresses) {
  auto server = StartHealthServer(":0");
  ASSERT_TRUE(server.ok()) << server.status();
  EXPECT_EQ(CheckHealth((*server)->port()), "NOT_SERVING");
}

TEST_F(HealthServerTest, AnAddressThatIsTakenIsAClearError) {
  Start();
  const absl::Status taken =
      StartHealthServer(absl::StrCat("127.0.0.1:", server_->port())).status();
  EXPECT_EQ(taken.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ErrorReason(taken), "LISTEN_FAILED");
  EXPECT_THAT(std::string(taken.message()), ::testing::HasSubstr("--health-listen"));
  EXPECT_EQ(ErrorReason(StartHealthServer("203.0.113.1:1").status()), "LISTEN_FAILED");
}

}  // namespace
}  // namespace hotplugger
