// The calls to PolicyService over a real unix socket: each reaches its own method, whole.
#include <gmock/gmock.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <gtest/gtest.h>

#include "client/link/grpc_connector.h"
#include "common/error_info.h"
#include "common/transport/grpc_status.h"
#include "hotplugger/v1/policy_service.grpc.pb.h"
#include "tests/fakes/temp_dir.h"

namespace hotplugger::client {
namespace {

// Answers with what it was asked.
class FakePolicyService final : public v1::PolicyService::Service {
 public:
  grpc::Status GetPolicy(grpc::ServerContext* /*context*/, const v1::GetPolicyRequest* request,
                         v1::GetPolicyResponse* response) override {
    response->mutable_policy()->set_name(request->name());
    response->mutable_policy()->set_revision(request->revision());
    return refusal;
  }
  grpc::Status ListPolicyRevisions(grpc::ServerContext* /*context*/,
                                   const v1::ListPolicyRevisionsRequest* request,
                                   v1::ListPolicyRevisionsResponse* response) override {
    response->add_revisions()->set_name(request->name());
    return refusal;
  }
  grpc::Status RollbackPolicy(grpc::ServerContext* /*context*/,
                              const v1::RollbackPolicyRequest* request,
                              v1::RollbackPolicyResponse* response) override {
    response->mutable_policy()->set_name(request->name());
    response->add_warnings(request->request_id());
    return refusal;
  }

  grpc::Status refusal = grpc::Status::OK;
};

class GrpcPolicyCallsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    grpc::ServerBuilder builder;
    const std::string address = "unix:" + folder_.Path("controller.sock");
    builder.AddListeningPort(address, grpc::InsecureServerCredentials());
    builder.RegisterService(&service_);
    server_ = builder.BuildAndStart();
    ASSERT_NE(server_, nullptr);
    auto client = MakeGrpcConnector()->ConnectFleet({address, false, absl::Seconds(60)});
    ASSERT_TRUE(client.ok()) << client.status();
    client_ = *std::move(client);
  }
  void TearDown() override { server_->Shutdown(); }

  const hotplugger::testing::TempDir folder_;
  FakePolicyService service_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<FleetClient> client_;
};

TEST_F(GrpcPolicyCallsTest, GetsARevision) {
  v1::GetPolicyRequest request;
  request.set_name("p");
  request.set_revision(3);
  const auto response = client_->GetPolicy(request);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->policy().name(), "p");
  EXPECT_EQ(response->policy().revision(), 3);
}

TEST_F(GrpcPolicyCallsTest, ListsRevisions) {
  v1::ListPolicyRevisionsRequest request;
  request.set_name("p");
  const auto response = client_->ListPolicyRevisions(request);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->revisions(0).name(), "p");
}

TEST_F(GrpcPolicyCallsTest, RollsBack) {
  v1::RollbackPolicyRequest request;
  request.set_name("p");
  request.set_request_id("r-1");
  const auto response = client_->RollbackPolicy(request);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->policy().name(), "p");
  EXPECT_EQ(response->warnings(0), "r-1");
}

TEST_F(GrpcPolicyCallsTest, ARefusalIsTheControllersOwn) {
  service_.refusal =
      ToGrpcStatus(MakeError(absl::StatusCode::kNotFound, "REVISION_NOT_FOUND", "no 9"));
  const auto response = client_->GetPolicy(v1::GetPolicyRequest());
  EXPECT_EQ(ErrorReason(response.status()), "REVISION_NOT_FOUND");
  EXPECT_EQ(response.status().message(), "no 9");
}

}  // namespace
}  // namespace hotplugger::client
