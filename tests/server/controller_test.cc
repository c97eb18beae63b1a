// A whole controller in this process, on port 0, spoken to as agents and operators do.
#include "server/controller.h"

#include <gmock/gmock.h>
#include <google/protobuf/unknown_field_set.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/error_info.h"
#include "common/transport/channel_settings.h"
#include "common/transport/grpc_status.h"
#include "hotplugger/v1/audit_service.grpc.pb.h"
#include "hotplugger/v1/event_service.grpc.pb.h"
#include "hotplugger/v1/fleet_service.grpc.pb.h"
#include "hotplugger/v1/link_service.grpc.pb.h"
#include "hotplugger/v1/policy_service.grpc.pb.h"
#include "tests/fakes/health_client.h"
#include "tests/fakes/http_client.h"
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

TEST_F(ControllerTest, ThePortFileHasThePorts) {
  Start();
  const auto expected = [this] {
    return absl::StrCat("grpc=", controller_->grpc_port(),
                        "\nmetrics=", controller_->metrics_port(), "\n");
  };
  EXPECT_EQ(directory_.Read("ports"), expected());
  EXPECT_EQ(controller_->health_port(), 0);
  options_.health_listen = "127.0.0.1:0";
  Start();
  ASSERT_NE(controller_->health_port(), 0);
  EXPECT_EQ(directory_.Read("ports"),
            absl::StrCat(expected(), "health=", controller_->health_port(), "\n"));
}

TEST_F(ControllerTest, HealthIsAnsweredOnAPortOfItsOwn) {
  options_.health_listen = "127.0.0.1:0";
  Start();
  EXPECT_EQ(testing::CheckHealth(controller_->health_port()), "SERVING");
  EXPECT_EQ(testing::CheckHealth(controller_->grpc_port()), "SERVING") << "there too";
  testing::RawCall call(controller_->health_port(), "/hotplugger.v1.FleetService/ListNodes", "");
  EXPECT_EQ(call.Finish(/*cancel=*/false), grpc::StatusCode::UNIMPLEMENTED);

  // Its end begins with that: calls that go on, such as this watch, have some seconds from then.
  testing::RawCall going(controller_->grpc_port(), "/grpc.health.v1.Health/Watch", "");
  testing::RawCall watch(controller_->health_port(), "/grpc.health.v1.Health/Watch", "");
  std::string answer;
  ASSERT_TRUE(going.Read(&answer));
  ASSERT_TRUE(watch.Read(&answer));
  EXPECT_EQ(testing::HealthWord(answer), "SERVING");
  controller_->Shutdown();
  ASSERT_TRUE(watch.Read(&answer));
  EXPECT_EQ(testing::HealthWord(answer), "NOT_SERVING");
  EXPECT_FALSE(watch.Read(&answer));
}

TEST_F(ControllerTest, APortForHealthThatIsTakenIsAClearError) {
  Start();
  Options second = options_;
  second.store = absl::StrCat("sqlite:", directory_.Path("second.db"));
  second.health_listen = absl::StrCat("127.0.0.1:", controller_->metrics_port());
  const absl::Status taken = Controller::Create(second).status();
  EXPECT_EQ(ErrorReason(taken), "LISTEN_FAILED");
  EXPECT_THAT(std::string(taken.message()), ::testing::HasSubstr("--health-listen"));
}

// Agents' counts, calls and the store's work come to /metrics.
TEST_F(ControllerTest, WhatIsCountedIsShown) {
  options_.metrics.domains = {"rack"};
  Start();
  grpc::ClientContext context;
  SetDeadline(&context);
  auto stream = v1::LinkService::NewStub(channel_)->Connect(&context);
  ASSERT_TRUE(stream->Write(FromText<v1::AgentMessage>(
      R"(hello {node: "n1" boot_id: "b" instance_id: "i" labels {key: "rack" value: "r7"}})")));
  v1::ControllerMessage message;
  while (!message.has_spec()) ASSERT_TRUE(stream->Read(&message));
  ASSERT_TRUE(stream->Write(FromText<v1::AgentMessage>(
      absl::StrCat("spec_ack {digest: \"", message.spec().digest(), "\" nonce: \"",
                   message.spec().nonce(), "\" errors: \"no\" reason: \"SPEC_INVALID\"}"))));
  ASSERT_TRUE(stream->Write(FromText<v1::AgentMessage>("metrics {uevents_received: 2}")));
  ASSERT_TRUE(stream->Write(FromText<v1::AgentMessage>("metrics {uevents_received: 9}")));
  // The end of the stream is behind all of it.
  ASSERT_TRUE(stream->WritesDone());
  while (stream->Read(&message)) {
  }
  EXPECT_TRUE(stream->Finish().ok());
  const std::string page = testing::HttpGet(controller_->metrics_port(), "/metrics").body;
  for (const char* line : {"hotplugger_fleet_uevents_received_total 7\n",
                           "hotplugger_spec_nacks_total{reason=\"SPEC_INVALID\"} 1\n",
                           "hotplugger_spec_ack_duration_seconds_count 1\n", "value=\"r7\"",
                           "grpc_service=\"hotplugger.v1.LinkService\",grpc_method=\"Connect\"",
                           "hotplugger_store_size_bytes ", "operation=\"commit\",result=\"ok\""}) {
    EXPECT_THAT(page, ::testing::HasSubstr(line));
  }
}

// The bytes of each field of this number.
std::vector<std::string> Fields(const std::string& message, int number) {
  google::protobuf::UnknownFieldSet fields;
  EXPECT_TRUE(fields.ParseFromString(message));
  std::vector<std::string> found;
  for (int i = 0; i < fields.field_count(); ++i) {
    if (fields.field(i).number() == number) found.push_back(fields.field(i).length_delimited());
  }
  return found;
}

constexpr char kOurServices[] = "hotplugger.v1.";

// Our names in an answer of reflection: list_services_response (6), service (1), name (1).
std::set<std::string> ServicesIn(const std::string& answer) {
  std::set<std::string> names;
  for (const std::string& list : Fields(answer, 6)) {
    for (const std::string& service : Fields(list, 1)) {
      for (const std::string& name : Fields(service, 1)) {
        if (absl::StartsWith(name, kOurServices)) names.insert(name);
      }
    }
  }
  return names;
}

std::set<std::string> CountedServices() {
  const auto methods = ServedMethods();
  EXPECT_TRUE(methods.ok()) << methods.status();
  std::set<std::string> services;
  if (!methods.ok()) return services;
  for (const CallCounters::Method& method : *methods) {
    if (absl::StartsWith(method.service, kOurServices)) services.insert(method.service);
  }
  return services;
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
      EXPECT_EQ(ServicesIn(text), CountedServices()) << "calls of each are counted";
    }
    grpc::Status status;
    call->Finish(&status, nullptr);
    ASSERT_TRUE(queue.Next(&tag, &ok));
    EXPECT_TRUE(status.ok()) << status.error_message();
  }
}

}  // namespace
}  // namespace hotplugger::server
