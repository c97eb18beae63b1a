// A whole controller in this process, on port 0, spoken to as agents and operators do.
#include "server/controller.h"

#include <gmock/gmock.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "common/error_info.h"
#include "common/transport/channel_settings.h"
#include "common/transport/grpc_status.h"
#include "hotplugger/v1/fleet_service.grpc.pb.h"
#include "hotplugger/v1/link_service.grpc.pb.h"
#include "hotplugger/v1/policy_service.grpc.pb.h"
#include "tests/fakes/proto_text.h"
#include "tests/fakes/temp_dir.h"

namespace hotplugger::server {
namespace {

using testing::FromText;

class ControllerTest : public ::testing::Test {
 protected:
  ControllerTest() {
    options_.listen = "127.0.0.1:0";
    options_.metrics_listen = "127.0.0.1:0";
    options_.store = absl::StrCat("sqlite:", directory_.Path("controller.db"));
    options_.port_file = directory_.Path("ports");
  }

  void Start() {
    controller_.reset();
    auto controller = Controller::Create(options_);
    ASSERT_TRUE(controller.ok()) << controller.status();
    controller_ = *std::move(controller);
    channel_ =
        grpc::CreateCustomChannel(absl::StrCat("127.0.0.1:", controller_->grpc_port()),
                                  grpc::InsecureChannelCredentials(), ClientChannelArguments());
  }

  // Every call of a test ends by then.
  static void SetDeadline(grpc::ClientContext* context) {
    context->set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
  }

  absl::StatusOr<v1::ApplyPolicyResponse> Apply(const std::string& policy) {
    grpc::ClientContext context;
    SetDeadline(&context);
    v1::ApplyPolicyRequest request;
    *request.mutable_policy() = FromText<v1::Policy>(policy);
    v1::ApplyPolicyResponse response;
    const grpc::Status status =
        v1::PolicyService::NewStub(channel_)->ApplyPolicy(&context, request, &response);
    if (!status.ok()) return FromGrpcStatus(status);
    return response;
  }

  testing::TempDir directory_;
  Options options_;
  std::unique_ptr<Controller> controller_;
  std::shared_ptr<grpc::Channel> channel_;
};

TEST_F(ControllerTest, AnAgentGetsWelcomeAndItsSpec) {
  Start();
  ASSERT_TRUE(Apply(R"(name: "p" selector {nodes: "n1"} cpu {offline: "2-3"})").ok());
  grpc::ClientContext context;
  SetDeadline(&context);
  auto stream = v1::LinkService::NewStub(channel_)->Connect(&context);
  ASSERT_TRUE(stream->Write(
      FromText<v1::AgentMessage>(R"(hello {node: "n1" boot_id: "b" largest_epoch: 1})")));
  v1::ControllerMessage message;
  ASSERT_TRUE(stream->Read(&message));
  EXPECT_TRUE(message.has_welcome());
  EXPECT_EQ(message.epoch(), 1u);
  ASSERT_TRUE(stream->Read(&message));
  v1::NodeSpec spec;
  ASSERT_TRUE(spec.ParseFromString(message.spec().body()));
  EXPECT_EQ(spec.cpu_offline(), "2-3");

  grpc::ClientContext list_context;
  SetDeadline(&list_context);
  v1::ListNodesResponse nodes;
  ASSERT_TRUE(v1::FleetService::NewStub(channel_)
                  ->ListNodes(&list_context, v1::ListNodesRequest(), &nodes)
                  .ok());
  ASSERT_EQ(nodes.nodes_size(), 1);
  EXPECT_TRUE(nodes.nodes(0).connected());

  // The end is told to the agent, and does not wait for it.
  controller_->Shutdown();
  EXPECT_FALSE(stream->Read(&message) && !message.has_ping());
  const grpc::Status status = stream->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(ErrorReason(FromGrpcStatus(status)), "SHUTTING_DOWN");
}

TEST_F(ControllerTest, ErrorsCarryTheirDetails) {
  Start();
  const absl::Status status =
      Apply(R"(name: "p" selector {nodes: "n1"} cpu {offline: "3-1"})").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ErrorReason(status), "INVALID_FIELD");
  ASSERT_EQ(ErrorFieldViolations(status).size(), 1u);
  EXPECT_EQ(ErrorFieldViolations(status)[0].field, "policy.cpu.offline");
}

TEST_F(ControllerTest, ARestartKeepsPoliciesAndGrowsTheEpoch) {
  Start();
  EXPECT_EQ(controller_->epoch(), 1u);
  ASSERT_TRUE(Apply(R"(name: "p" selector {nodes: "n1"} cpu {offline: "2"})").ok());
  Start();
  EXPECT_EQ(controller_->epoch(), 2u);
  const auto again = Apply(R"(name: "p" selector {nodes: "n1"} cpu {offline: "2"})");
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_FALSE(again->changed());
}

TEST_F(ControllerTest, APortInUseIsAClearError) {
  Start();
  Options second = options_;
  second.port_file.clear();
  second.store = absl::StrCat("sqlite:", directory_.Path("second.db"));
  second.listen = absl::StrCat("127.0.0.1:", controller_->grpc_port());
  const absl::Status grpc_taken = Controller::Create(second).status();
  EXPECT_EQ(ErrorReason(grpc_taken), "LISTEN_FAILED");
  EXPECT_THAT(std::string(grpc_taken.message()), ::testing::HasSubstr("--listen"));
  second.listen = "127.0.0.1:0";
  second.metrics_listen = absl::StrCat("127.0.0.1:", controller_->metrics_port());
  const absl::Status metrics_taken = Controller::Create(second).status();
  EXPECT_EQ(ErrorReason(metrics_taken), "LISTEN_FAILED");
  EXPECT_THAT(std::string(metrics_taken.message()), ::testing::HasSubstr("--metrics-listen"));
}

TEST_F(ControllerTest, AStoreInUseIsAClearError) {
  Start();
  EXPECT_EQ(ErrorReason(Controller::Create(options_).status()), "STORE_LOCKED");
}

TEST_F(ControllerTest, ThePortFileHasBothPorts) {
  Start();
  EXPECT_EQ(directory_.Read("ports"), absl::StrCat("grpc=", controller_->grpc_port(), "\nmetrics=",
                                                   controller_->metrics_port(), "\n"));
}

// Health and reflection are gRPC's own services; their messages are read by hand.
TEST_F(ControllerTest, HealthAndReflectionAnswer) {
  Start();
  const auto methods = {"/grpc.health.v1.Health/Check",
                        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"};
  for (const char* method : methods) {
    grpc::GenericStub stub(channel_);
    grpc::ClientContext context;
    SetDeadline(&context);
    grpc::CompletionQueue queue;
    auto call = stub.PrepareCall(&context, method, &queue);
    void* tag = nullptr;
    bool ok = false;
    call->StartCall(nullptr);
    ASSERT_TRUE(queue.Next(&tag, &ok) && ok);
    // An empty HealthCheckRequest asks for the server; field 7 asks for the list of services.
    const bool health = absl::string_view(method).find("Health") != absl::string_view::npos;
    grpc::Slice slice(health ? std::string() : std::string("\x3a\x01*", 3));
    call->WriteLast(grpc::ByteBuffer(&slice, 1), grpc::WriteOptions(), nullptr);
    ASSERT_TRUE(queue.Next(&tag, &ok) && ok);
    grpc::ByteBuffer answer;
    call->Read(&answer, nullptr);
    ASSERT_TRUE(queue.Next(&tag, &ok) && ok);
    grpc::Slice bytes;
    ASSERT_TRUE(answer.DumpToSingleSlice(&bytes).ok());
    const std::string text(reinterpret_cast<const char*>(bytes.begin()), bytes.size());
    if (health) {
      EXPECT_EQ(text, std::string("\x08\x01"));  // status: SERVING
    } else {
      for (const char* service : {"FleetService", "LinkService", "PolicyService"}) {
        EXPECT_THAT(text, ::testing::HasSubstr(absl::StrCat("hotplugger.v1.", service)));
      }
    }
    grpc::Status status;
    call->Finish(&status, nullptr);
    ASSERT_TRUE(queue.Next(&tag, &ok));
    EXPECT_TRUE(status.ok()) << status.error_message();
  }
}

}  // namespace
}  // namespace hotplugger::server
