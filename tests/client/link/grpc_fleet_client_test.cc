// OperateNodes over a real unix socket: how it ends.
#include <gmock/gmock.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <gtest/gtest.h>

#include <future>
#include <new>
#include <thread>

#include "absl/strings/str_cat.h"
#include "client/link/grpc_connector.h"
#include "common/error_info.h"
#include "common/transport/grpc_status.h"
#include "hotplugger/v1/fleet_service.grpc.pb.h"
#include "tests/fakes/temp_dir.h"

namespace hotplugger::client {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Writes an answer for each name; then ends with `end`, or waits to be cancelled where it has none.
class FakeAnswers final : public grpc::ServerWriteReactor<v1::OperateNodesResponse> {
 public:
  FakeAnswers(std::vector<std::string> names, std::optional<grpc::Status> end)
      : names_(std::move(names)), end_(std::move(end)) {
    WriteNext();
  }

  void OnWriteDone(bool ok) noexcept override {
    if (ok) WriteNext();
  }
  void OnCancel() noexcept override {
    if (!end_) Finish(grpc::Status::CANCELLED);
  }
  void OnDone() noexcept override { delete this; }

 private:
  void WriteNext() {
    if (written_ < names_.size()) {
      answer_.set_node(names_[written_++]);
      StartWrite(&answer_);
    } else if (end_) {
      Finish(*end_);
    }
  }

  const std::vector<std::string> names_;
  const std::optional<grpc::Status> end_;
  size_t written_ = 0;
  v1::OperateNodesResponse answer_;
};

class FakeFleetService final : public v1::FleetService::CallbackService {
 public:
  grpc::ServerWriteReactor<v1::OperateNodesResponse>* OperateNodes(
      grpc::CallbackServerContext* context,
      const v1::OperateNodesRequest* /*request*/) noexcept override {
    has_deadline = context->deadline() < std::chrono::system_clock::now() + std::chrono::hours(24);
    return new (std::nothrow) FakeAnswers(names, end);
  }

  std::vector<std::string> names = {"a", "b"};
  std::optional<grpc::Status> end;
  std::atomic<bool> has_deadline = false;
};

class GrpcFleetClientTest : public ::testing::Test {
 protected:
  void SetUp() override {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("unix:" + socket_, grpc::InsecureServerCredentials());
    builder.RegisterService(&service_);
    server_ = builder.BuildAndStart();
    ASSERT_NE(server_, nullptr);
  }
  void TearDown() override { server_->Shutdown(); }

  // Asks with a deadline of an hour, and keeps the nodes that answer.
  absl::Status Ask(
      const std::function<void()>& on_answer = [] {}, std::stop_token stop = {}) {
    v1::OperateNodesRequest request;
    request.mutable_deadline()->set_seconds(3600);
    return Ask(request, absl::Seconds(60), on_answer, std::move(stop));
  }
  absl::Status Ask(const v1::OperateNodesRequest& request, absl::Duration timeout,
                   const std::function<void()>& on_answer, std::stop_token stop) {
    const auto client = MakeGrpcConnector()->ConnectFleet({"unix:" + target_, false, timeout});
    if (!client.ok()) return client.status();
    return (*client)->OperateNodes(
        request,
        [&](const v1::OperateNodesResponse& answer) {
          names_.push_back(answer.node());
          on_answer();
        },
        std::move(stop));
  }

  const hotplugger::testing::TempDir folder_;
  const std::string socket_ = folder_.Path("controller.sock");
  std::string target_ = socket_;
  FakeFleetService service_;
  std::unique_ptr<grpc::Server> server_;
  std::vector<std::string> names_;
};

TEST_F(GrpcFleetClientTest, GivesEveryAnswerAndHasNoLimitInAll) {
  service_.end = grpc::Status::OK;
  const absl::Status status = Ask();
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_THAT(names_, ElementsAre("a", "b"));
  EXPECT_FALSE(service_.has_deadline);
}

TEST_F(GrpcFleetClientTest, ARefusalIsTheControllersOwn) {
  service_.names.clear();
  service_.end = ToGrpcStatus(MakeError(absl::StatusCode::kNotFound, "NODE_NOT_FOUND", "no x"));
  const absl::Status status = Ask();
  EXPECT_EQ(ErrorReason(status), "NODE_NOT_FOUND");
  EXPECT_EQ(status.message(), "no x");
}

TEST_F(GrpcFleetClientTest, AControllerThatHangsEndsItAndTheErrorNamesBothLimits) {
  v1::OperateNodesRequest request;
  request.mutable_deadline()->set_nanos(20'000'000);
  const absl::Status status = Ask(request, absl::Milliseconds(30), [] {}, {});
  EXPECT_EQ(ErrorReason(status), "NO_ANSWER");
  EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("gave no node's answer for 50ms"), HasSubstr("--deadline 20ms"),
                    HasSubstr("--timeout 30ms")));
}

TEST_F(GrpcFleetClientTest, AStopEndsIt) {
  std::stop_source source;
  std::promise<void> all_came;
  std::thread stopper([&] {
    all_came.get_future().wait();
    source.request_stop();
  });
  const absl::Status status = Ask(
      [&] {
        if (names_.size() == 2) all_came.set_value();
      },
      source.get_token());
  stopper.join();
  EXPECT_EQ(ErrorReason(status), "INTERRUPTED");
  EXPECT_THAT(names_, ElementsAre("a", "b"));
}

TEST_F(GrpcFleetClientTest, AStopBeforeItEndsItAtOnce) {
  std::stop_source source;
  source.request_stop();
  EXPECT_EQ(ErrorReason(Ask([] {}, source.get_token())), "INTERRUPTED");
}

TEST_F(GrpcFleetClientTest, AStreamThatBreaksIsToldApartFromNobody) {
  service_.end = grpc::Status(grpc::StatusCode::UNAVAILABLE, "Socket closed");
  const absl::Status broken = Ask();
  EXPECT_EQ(ErrorReason(broken), "CONNECTION_LOST");
  EXPECT_THAT(std::string(broken.message()), HasSubstr(socket_ + " broke: Socket closed"));
  EXPECT_THAT(names_, ElementsAre("a", "b"));
  names_.clear();
  target_ = socket_ + ".nobody";
  EXPECT_EQ(ErrorReason(Ask()), "UNREACHABLE");
  EXPECT_THAT(names_, IsEmpty());
}

}  // namespace
}  // namespace hotplugger::client
