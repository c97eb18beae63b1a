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
#include "hotplugger/v1/audit_service.grpc.pb.h"
#include "hotplugger/v1/event_service.grpc.pb.h"
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

// What is told to who watches, and that it ends with the controller.
TEST_F(ControllerTest, EventsAndTheAuditLogAreWatched) {
  Start();
  grpc::ClientContext event_context;
  SetDeadline(&event_context);
  const auto events =
      v1::EventService::NewStub(channel_)->WatchEvents(&event_context, v1::WatchEventsRequest());
  events->WaitForInitialMetadata();
  grpc::ClientContext audit_context;
  SetDeadline(&audit_context);
  const auto audit = v1::AuditService::NewStub(channel_)->WatchAuditEntries(
      &audit_context, v1::WatchAuditEntriesRequest());
  audit->WaitForInitialMetadata();
  ASSERT_TRUE(Apply(R"(name: "p" selector {nodes: "n1"} cpu {offline: "2"})").ok());
  v1::WatchEventsResponse event;
  ASSERT_TRUE(events->Read(&event));
  EXPECT_EQ(event.resume_token(), "1-0") << "before any event";
  ASSERT_TRUE(events->Read(&event));
  EXPECT_EQ(event.event().type(), "PolicyChanged");
  EXPECT_EQ(event.event().resource(), "policies/p");
  EXPECT_EQ(event.resume_token(), "1-1");
  v1::WatchAuditEntriesResponse entry;
  ASSERT_TRUE(audit->Read(&entry));
  EXPECT_EQ(entry.entry().method(), "ApplyPolicy");
  controller_->Shutdown();
  EXPECT_FALSE(events->Read(&event));
  EXPECT_EQ(ErrorReason(FromGrpcStatus(events->Finish())), "SHUTTING_DOWN");
  EXPECT_FALSE(audit->Read(&entry));
  EXPECT_EQ(ErrorReason(FromGrpcStatus(audit->Finish())), "SHUTTING_DOWN");
}

// A spec that was given up is pushed again once the node would try it again.
TEST_F(ControllerTest, ASpecThatWasGivenUpIsTriedAgain) {
  Start();
  ASSERT_TRUE(Apply(R"(name: "p" selector {nodes: "n1"} cpu {offline: "2"})").ok());
  grpc::ClientContext context;
  SetDeadline(&context);
  auto stream = v1::LinkService::NewStub(channel_)->Connect(&context);
  ASSERT_TRUE(stream->Write(FromText<v1::AgentMessage>(R"(hello {node: "n1" boot_id: "b"})")));
  v1::ControllerMessage message;
  while (!message.has_spec()) ASSERT_TRUE(stream->Read(&message));
  const std::string digest = message.spec().digest();
  ASSERT_TRUE(stream->Write(
      FromText<v1::AgentMessage>(absl::StrCat("spec_ack {digest: \"", digest, "\"}"))));
  ASSERT_TRUE(stream->Write(FromText<v1::AgentMessage>(
      absl::StrCat("report {digest: \"", digest, "\" state: APPLY_STATE_REVERTED}"))));

  grpc::ClientContext operate_context;
  SetDeadline(&operate_context);
  const auto answers = v1::FleetService::NewStub(channel_)->OperateNodes(
      &operate_context, FromText<v1::OperateNodesRequest>(
                            R"(selector {nodes: "n1"} operation {retry_spec {}}
                               note {reason: "the switch is back"})"));
  while (!message.has_operation()) ASSERT_TRUE(stream->Read(&message));
  EXPECT_TRUE(message.operation().operation().has_retry_spec());
  ASSERT_TRUE(stream->Write(FromText<v1::AgentMessage>(
      absl::StrCat("operation_result {id: \"", message.operation().id(),
                   "\" result {retry_spec {digest: \"", digest, "\"}}}"))));
  v1::OperateNodesResponse answer;
  ASSERT_TRUE(answers->Read(&answer));
  EXPECT_EQ(answer.result().retry_spec().digest(), digest);
  EXPECT_FALSE(answers->Read(&answer));
  EXPECT_TRUE(answers->Finish().ok());
  while (!message.has_spec()) ASSERT_TRUE(stream->Read(&message)) << "it is pushed again";
  EXPECT_EQ(message.spec().digest(), digest);

  grpc::ClientContext audit_context;
  SetDeadline(&audit_context);
  v1::ListAuditEntriesResponse audit;
  ASSERT_TRUE(v1::AuditService::NewStub(channel_)
                  ->ListAuditEntries(
                      &audit_context,
                      FromText<v1::ListAuditEntriesRequest>(R"(filter {method: "OperateNodes"})"),
                      &audit)
                  .ok());
  ASSERT_GE(audit.entries_size(), 1);
  EXPECT_EQ(audit.entries(audit.entries_size() - 1).summary(), "asked of 1 nodes: retry_spec { }");
  EXPECT_EQ(audit.entries(0).note().reason(), "the switch is back");
  context.TryCancel();
  stream->Finish();
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

// Else a controller that can't listen forgets, start by start, which ones the agents know.
TEST_F(ControllerTest, AStartThatCameToNothingIsNotCounted) {
  Start();
  const uint64_t epoch = controller_->epoch();
  const std::string fleet = controller_->fleet_id();
  controller_.reset();
  Options taken = options_;
  taken.store = absl::StrCat("sqlite:", directory_.Path("other.db"));
  const auto other = Controller::Create(taken);
  ASSERT_TRUE(other.ok()) << other.status();
  Options blocked = options_;
  blocked.listen = absl::StrCat("127.0.0.1:", (*other)->grpc_port());
  for (int i = 0; i < 3; ++i) ASSERT_FALSE(Controller::Create(blocked).ok());
  Start();
  EXPECT_EQ(controller_->epoch(), epoch + 1);
  EXPECT_EQ(controller_->fleet_id(), fleet);
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
