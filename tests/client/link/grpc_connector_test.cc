#include "client/link/grpc_connector.h"

#include <gmock/gmock.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "client/command_line.h"
#include "client/link/call.h"
#include "common/error_info.h"
#include "common/transport/grpc_status.h"
#include "hotplugger/v1/host_service.grpc.pb.h"
#include "hotplugger/v1/policy_service.grpc.pb.h"
#include "tests/fakes/fake_clock.h"
#include "tests/fakes/fake_surroundings.h"

namespace hotplugger::client {
namespace {

using testing::HasSubstr;

class FakePolicyService final : public v1::PolicyService::Service {
 public:
  grpc::Status ApplyPolicy(grpc::ServerContext* /*context*/, const v1::ApplyPolicyRequest* request,
                           v1::ApplyPolicyResponse* response) override {
    if (request->policy().priority() > 100) {
      return ToGrpcStatus(MakeFieldErrors({{"policy.priority", "101 is too large"}}));
    }
    *response->mutable_policy() = request->policy();
    response->set_changed(true);
    return grpc::Status::OK;
  }
};

class FakeHostService final : public v1::HostService::Service {
 public:
  grpc::Status ListDevices(grpc::ServerContext* /*context*/,
                           const v1::ListDevicesRequest* /*request*/,
                           v1::ListDevicesResponse* response) override {
    response->add_devices()->set_name("cpu7");
    return grpc::Status::OK;
  }
};

class GrpcConnectorTest : public testing::Test {
 protected:
  void SetUp() override {
    socket_ = absl::StrCat(testing::TempDir(), "hotplugctl-test-", getpid(), ".sock");
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
    builder.AddListeningPort("unix:" + socket_, grpc::InsecureServerCredentials());
    builder.RegisterService(&policies_);
    builder.RegisterService(&host_);
    server_ = builder.BuildAndStart();
    ASSERT_NE(server_, nullptr);
  }
  void TearDown() override {
    server_->Shutdown();
    std::filesystem::remove(socket_);
  }

  int Run(std::vector<std::string> arguments, const std::string& standard_input = "") {
    const auto connector = MakeGrpcConnector();
    FakeClock clock;
    std::istringstream in(standard_input);
    std::ostringstream out_stream;
    std::ostringstream err_stream;
    FakeSurroundings surroundings;
    Environment environment{*connector,
                            surroundings,
                            clock,
                            clock,
                            [&clock](absl::Duration wait) { clock.Advance(wait); },
                            in,
                            out_stream,
                            err_stream};
    const ExitCode exit_code = RunCommandLine(arguments, environment);
    out_ = out_stream.str();
    err_ = err_stream.str();
    return static_cast<int>(exit_code);
  }

  std::string Address() const { return absl::StrCat("127.0.0.1:", port_); }

  FakePolicyService policies_;
  FakeHostService host_;
  std::unique_ptr<grpc::Server> server_;
  int port_ = 0;
  std::string socket_;
  std::string out_;
  std::string err_;
};

constexpr char kPolicy[] = "apiVersion: hotplugger/v1\nkind: Policy\nname: a\npriority: ";

TEST_F(GrpcConnectorTest, AppliesAPolicyOverTheWire) {
  EXPECT_EQ(Run({"--controller", Address(), "apply", "-f", "-"}, absl::StrCat(kPolicy, 100)), 0)
      << err_;
  EXPECT_EQ(out_, "policy/a applied (revision 0, matches 0 nodes)\n");
}

TEST_F(GrpcConnectorTest, PrintsTheDetailsOfAnError) {
  EXPECT_EQ(Run({"--controller", Address(), "apply", "-f", "-"}, absl::StrCat(kPolicy, 101)), 2);
  EXPECT_EQ(err_,
            "policy/a not applied:\nhotplugctl: 1 value is wrong\n"
            "  policy.priority: 101 is too large\n  reason: INVALID_FIELD\n");
}

TEST_F(GrpcConnectorTest, SpeaksToTheAgentsSocket) {
  EXPECT_EQ(Run({"--host", "--socket", socket_, "devices"}), 0) << err_;
  EXPECT_THAT(out_, HasSubstr("cpu7"));
}

TEST_F(GrpcConnectorTest, NamesWhatWasTriedWhereNobodyIs) {
  const std::string nobody = socket_ + ".nobody";
  EXPECT_EQ(Run({"--host", "--socket", nobody, "devices"}), 69);
  EXPECT_THAT(err_, HasSubstr("can't reach the agent at unix:" + nobody));
  EXPECT_THAT(err_, HasSubstr("reason: UNREACHABLE"));
}

TEST_F(GrpcConnectorTest, SaysThatACallIsUnknown) {
  EXPECT_EQ(Run({"--controller", Address(), "get", "nodes"}), 1);
  EXPECT_THAT(err_, HasSubstr("reason: NO_SUCH_CALL"));
}

TEST_F(GrpcConnectorTest, RefusesPlaintextToOthersAndWhatIsNoAddress) {
  EXPECT_EQ(Run({"--controller", "192.0.2.1:7443", "get", "nodes"}), 2);
  EXPECT_THAT(err_, HasSubstr("reason: PLAINTEXT_REFUSED"));
  EXPECT_EQ(Run({"--controller", "nonsense", "get", "nodes"}), 2);
  EXPECT_EQ(Run({"--host", "--socket", std::string(200, 'x'), "devices"}), 2);
  EXPECT_THAT(err_, HasSubstr("is not a path of 1 to 107 bytes"));
}

TEST(DescribeCallErrorTest, KeepsThePeersOwnAnswer) {
  const Peer peer{"the controller", "h:1", "fix it", absl::Seconds(2)};
  const auto draining = MakeError(absl::StatusCode::kUnavailable, "SHUTTING_DOWN", "bye");
  EXPECT_EQ(DescribeCallError(ToGrpcStatus(draining), peer).message(), "bye");
  const auto late =
      DescribeCallError(grpc::Status(grpc::StatusCode::DEADLINE_EXCEEDED, "Deadline"), peer);
  EXPECT_EQ(ErrorReason(late), "NO_ANSWER");
  EXPECT_THAT(std::string(late.message()), HasSubstr("did not answer within 2s"));
  const auto cancelled =
      DescribeCallError(grpc::Status(grpc::StatusCode::CANCELLED, "CANCELLED"), peer);
  EXPECT_EQ(cancelled.code(), absl::StatusCode::kUnavailable) << "it is being stopped";
  EXPECT_EQ(ErrorReason(cancelled), "CONNECTION_LOST");
  const auto nobody =
      DescribeCallError(grpc::Status(grpc::StatusCode::UNAVAILABLE, "refused"), peer);
  EXPECT_EQ(nobody.message(), "can't reach the controller at h:1: refused; fix it");
  EXPECT_EQ(ErrorMetadataValue(nobody, "address"), "h:1");
}

}  // namespace
}  // namespace hotplugger::client
