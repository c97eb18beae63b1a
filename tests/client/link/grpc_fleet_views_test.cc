// PlanService, ExplainService and AuditService over a real unix socket: each call reaches its own
// method, whole.
#include <gmock/gmock.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <gtest/gtest.h>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "client/link/grpc_connector.h"
#include "common/error_info.h"
#include "common/transport/grpc_status.h"
#include "hotplugger/v1/audit_service.grpc.pb.h"
#include "hotplugger/v1/explain_service.grpc.pb.h"
#include "hotplugger/v1/plan_service.grpc.pb.h"
#include "tests/fakes/temp_dir.h"

namespace hotplugger::client {
namespace {

using ::testing::ElementsAre;

class FakePlans final : public v1::PlanService::Service {
 public:
  grpc::Status PlanChange(grpc::ServerContext* /*context*/, const v1::PlanChangeRequest* request,
                          grpc::ServerWriter<v1::PlanChangeResponse>* writer) override {
    v1::PlanChangeResponse answer;
    answer.mutable_overview()->add_warnings(request->delete_policy());
    writer->Write(answer);
    answer.mutable_node()->set_node("a");
    writer->Write(answer);
    answer.mutable_summary()->set_planned_nodes(1);
    writer->Write(answer);
    return end;
  }

  grpc::Status end = grpc::Status::OK;
};

class FakeExplanations final : public v1::ExplainService::Service {
 public:
  grpc::Status ExplainSubject(grpc::ServerContext* context,
                              const v1::ExplainSubjectRequest* request,
                              v1::ExplainSubjectResponse* response) override {
    response->set_node(request->node());
    response->set_subject(request->subject());
    left = absl::FromChrono(context->deadline()) - absl::Now();
    return grpc::Status::OK;
  }

  absl::Duration left;
};

class FakeAudit final : public v1::AuditService::Service {
 public:
  grpc::Status ListAuditEntries(grpc::ServerContext* /*context*/,
                                const v1::ListAuditEntriesRequest* request,
                                v1::ListAuditEntriesResponse* response) override {
    response->add_entries()->set_method(request->filter().method());
    return grpc::Status::OK;
  }
};

class GrpcFleetViewsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    grpc::ServerBuilder builder;
    const std::string address = "unix:" + folder_.Path("controller.sock");
    builder.AddListeningPort(address, grpc::InsecureServerCredentials());
    builder.RegisterService(&plans_);
    builder.RegisterService(&explanations_);
    builder.RegisterService(&audit_);
    server_ = builder.BuildAndStart();
    ASSERT_NE(server_, nullptr);
    auto client = MakeGrpcConnector()->ConnectFleet({address, false, absl::Seconds(60)});
    ASSERT_TRUE(client.ok()) << client.status();
    client_ = *std::move(client);
  }
  void TearDown() override { server_->Shutdown(); }

  // The cases of the answers, in order.
  absl::Status Plan(std::vector<v1::PlanChangeResponse::AnswerCase>* cases) {
    v1::PlanChangeRequest request;
    request.set_delete_policy("lab");
    return client_->PlanChange(
        request,
        [cases](const v1::PlanChangeResponse& answer) { cases->push_back(answer.answer_case()); },
        {});
  }

  const hotplugger::testing::TempDir folder_;
  FakePlans plans_;
  FakeExplanations explanations_;
  FakeAudit audit_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<FleetClient> client_;
};

TEST_F(GrpcFleetViewsTest, APlanIsItsAnswersInOrder) {
  std::vector<v1::PlanChangeResponse::AnswerCase> cases;
  const absl::Status status = Plan(&cases);
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_THAT(cases, ElementsAre(v1::PlanChangeResponse::kOverview, v1::PlanChangeResponse::kNode,
                                 v1::PlanChangeResponse::kSummary));
}

TEST_F(GrpcFleetViewsTest, APlanEndsAsOtherStreamsDo) {
  std::vector<v1::PlanChangeResponse::AnswerCase> cases;
  plans_.end = ToGrpcStatus(MakeError(absl::StatusCode::kNotFound, "POLICY_NOT_FOUND", "no lab"));
  EXPECT_EQ(ErrorReason(Plan(&cases)), "POLICY_NOT_FOUND");
  plans_.end = grpc::Status(grpc::StatusCode::UNAVAILABLE, "Socket closed");
  EXPECT_EQ(ErrorReason(Plan(&cases)), "CONNECTION_LOST");
  std::stop_source stopped;
  stopped.request_stop();
  v1::PlanChangeRequest request;
  EXPECT_EQ(ErrorReason(client_->PlanChange(
                request, [](const v1::PlanChangeResponse&) {}, stopped.get_token())),
            "INTERRUPTED");
}

TEST_F(GrpcFleetViewsTest, AnExplanationHasTimeForTheHostBesides) {
  v1::ExplainSubjectRequest request;
  request.set_node("a");
  request.set_subject("cpu3");
  const auto response = client_->ExplainSubject(request);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->node(), "a");
  EXPECT_EQ(response->subject(), "cpu3");
  // gRPC rounds what is left.
  EXPECT_GT(explanations_.left, absl::Seconds(65));
  EXPECT_LT(explanations_.left, absl::Seconds(75));
}

TEST_F(GrpcFleetViewsTest, AnAuditListIsAskedForWithItsFilter) {
  v1::ListAuditEntriesRequest request;
  request.mutable_filter()->set_method("SetHold");
  const auto response = client_->ListAuditEntries(request);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->entries(0).method(), "SetHold");
}

}  // namespace
}  // namespace hotplugger::client
