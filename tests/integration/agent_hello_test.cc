// What an agent says of itself to a controller, over its own restarts.
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <vector>

#include "common/clock.h"
#include "common/digest.h"
#include "common/mutex.h"
#include "common/random_id.h"
#include "hotplugger/v1/link_service.grpc.pb.h"
#include "tests/integration/fleet_fixture.h"

namespace hotplugger {
namespace {

// Welcomes every agent as the controller of epoch 5, pushes one spec to it, and ends the stream
// once that is acknowledged. Synchronous, on gRPC's own threads: it may block.
class PushingController final : public v1::LinkService::Service {
 public:
  PushingController() {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
  }
  ~PushingController() override { server_->Shutdown(std::chrono::system_clock::now()); }

  grpc::Status Connect(
      grpc::ServerContext* /*context*/,
      grpc::ServerReaderWriter<v1::ControllerMessage, v1::AgentMessage>* stream) override {
    v1::AgentMessage message;
    if (!stream->Read(&message)) return grpc::Status::OK;
    Note(message.hello());
    v1::ControllerMessage answer;
    answer.set_epoch(5);
    answer.mutable_welcome()->set_fleet_id(fleet_id_);
    answer.mutable_welcome()->set_epoch_id(epoch_id_);
    stream->Write(answer);
    v1::Spec& spec = *answer.mutable_spec();
    spec.set_digest(Sha256Hex(""));
    spec.set_store_revision(70);
    stream->Write(answer);
    while (stream->Read(&message) && !message.has_spec_ack()) {
    }
    return {grpc::StatusCode::UNAVAILABLE, "that is all"};
  }

  // The `count`th Hello; nothing after 20 s without one.
  std::optional<v1::Hello> AwaitHello(size_t count) {
    const absl::Time deadline = SteadyNow() + absl::Seconds(20);
    MutexLock lock(&mutex_);
    while (hellos_.size() < count) {
      if (SteadyNow() >= deadline) return std::nullopt;
      changed_.WaitUntil(&mutex_, deadline);
    }
    return hellos_[count - 1];
  }
  size_t hello_count() {
    MutexLock lock(&mutex_);
    return hellos_.size();
  }
  int port() const { return port_; }

 private:
  void Note(const v1::Hello& hello) {
    MutexLock lock(&mutex_);
    hellos_.push_back(hello);
    changed_.NotifyAll();
  }

  const std::string fleet_id_ = RandomId();
  const std::string epoch_id_ = RandomId();
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
  Mutex mutex_;
  CondVar changed_;
  std::vector<v1::Hello> hellos_ ABSL_GUARDED_BY(mutex_);
};

class AgentHelloTest : public FleetTest {};

TEST_F(AgentHelloTest, SaysWhichSpecItHasTakenAlsoAfterARestart) {
  StopController();
  PushingController controller;
  port_ = controller.port();
  TestNode& node = AddNode("alpha", {});
  const auto first = controller.AwaitHello(1);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->spec_epoch(), 0u);
  EXPECT_EQ(first->spec_store_revision(), 0);
  const auto again = controller.AwaitHello(2);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->spec_epoch(), 5u);
  EXPECT_EQ(again->spec_store_revision(), 70);
  node.agent.reset();
  const size_t before = controller.hello_count();
  StartAgent("alpha", node);
  const auto restarted = controller.AwaitHello(before + 1);
  ASSERT_TRUE(restarted);
  EXPECT_NE(restarted->instance_id(), first->instance_id());
  EXPECT_EQ(restarted->spec_epoch(), 5u);
  EXPECT_EQ(restarted->spec_store_revision(), 70);
  node.agent.reset();
}

TEST_F(AgentHelloTest, SaysWhereItsMetricsAre) {
  StopController();
  PushingController controller;
  port_ = controller.port();
  TestNode& node = AddNode("alpha", {});
  const auto without = controller.AwaitHello(1);
  ASSERT_TRUE(without);
  EXPECT_EQ(without->metrics_address(), "");
  node.agent.reset();
  node.adjust = [](agent::AgentOptions* options) { options->metrics_listen = "127.0.0.1:0"; };
  size_t before = controller.hello_count();
  StartAgent("alpha", node);
  const auto with = controller.AwaitHello(before + 1);
  ASSERT_TRUE(with);
  EXPECT_EQ(with->metrics_address(), "") << "nobody else reaches loopback";
  node.agent.reset();
  node.adjust = [](agent::AgentOptions* options) {
    options->metrics_listen = "127.0.0.1:0";
    options->metrics_address = "alpha.example:9416";
  };
  before = controller.hello_count();
  StartAgent("alpha", node);
  const auto told = controller.AwaitHello(before + 1);
  ASSERT_TRUE(told);
  EXPECT_EQ(told->metrics_address(), "alpha.example:9416");
  node.agent.reset();
}

// Of another fleet's store they mean nothing.
TEST_F(AgentHelloTest, ForgetsThatWhereItChangesFleets) {
  StopController();
  PushingController controller;
  port_ = controller.port();
  TestNode& node = AddNode("alpha", {});
  ASSERT_TRUE(controller.AwaitHello(2));
  node.agent.reset();
  const size_t before = controller.hello_count();
  StartAgent("alpha", node, RandomId());
  const auto joined = controller.AwaitHello(before + 1);
  ASSERT_TRUE(joined);
  EXPECT_EQ(joined->largest_epoch(), 0u);
  EXPECT_EQ(joined->spec_epoch(), 0u);
  EXPECT_EQ(joined->spec_store_revision(), 0);
  node.agent.reset();
}

}  // namespace
}  // namespace hotplugger
