#include "server/api/node_stream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/error_info.h"
#include "common/transport/grpc_status.h"
#include "tests/fakes/fake_server_stream.h"
#include "tests/server/fleet/fleet_fixture.h"

namespace hotplugger::server {
namespace {

using ::testing::SizeIs;
using Stream = testing::FakeServerStream<v1::AgentMessage, v1::ControllerMessage>;

class NodeStreamTest : public FleetFixture {
 protected:
  std::unique_ptr<Stream> Open() {
    reactor_ = NodeStream::Start(
        std::make_unique<NodeSession>(registry_.get(), engine_.get(), desk_.get(), &counters_,
                                      &totals_, SessionOptions{&identity_, absl::Seconds(20)}));
    return std::make_unique<Stream>(reactor_);
  }

  std::unique_ptr<Stream> OpenWithHello() {
    auto stream = Open();
    stream->Deliver(testing::FromText<v1::AgentMessage>(R"(hello {node: "n1" boot_id: "b"})"));
    Settle();
    return stream;
  }

  v1::ControllerMessage Ping(uint64_t sequence) {
    v1::ControllerMessage message;
    message.mutable_ping()->set_sequence(sequence);
    return message;
  }

  NodeStream* reactor_ = nullptr;
};

TEST_F(NodeStreamTest, WelcomeAndSpecLeaveOneAfterTheOther) {
  auto stream = OpenWithHello();
  ASSERT_THAT(stream->written(), SizeIs(1));
  EXPECT_TRUE(stream->written()[0].has_welcome());
  stream->EndWrite(true);
  ASSERT_THAT(stream->written(), SizeIs(2));
  EXPECT_TRUE(stream->written()[1].has_spec());
  stream->EndWrite(true);
  EXPECT_FALSE(stream->writing());
  EXPECT_TRUE(stream->reading());
  stream->EndReads();
  stream->Done();
}

// The answer to a message can come before gRPC says that the message has left.
TEST_F(NodeStreamTest, AReplyBeforeTheWriteIsDoneStartsNoSecondWrite) {
  auto stream = OpenWithHello();
  stream->EndWrite(true);
  ASSERT_TRUE(stream->writing());
  v1::AgentMessage ack;
  ack.mutable_spec_ack()->set_digest(stream->written()[1].spec().digest());
  stream->Deliver(ack);
  reactor_->Send(Ping(1));
  EXPECT_THAT(stream->written(), SizeIs(2));
  stream->EndWrite(true);
  EXPECT_THAT(stream->written(), SizeIs(3));
  stream->EndReads();
  stream->EndWrite(true);
  stream->Done();
}

TEST_F(NodeStreamTest, OfEachKindOnlyTheNewestWaits) {
  auto stream = OpenWithHello();
  stream->EndWrite(true);
  for (uint64_t i = 1; i <= 100; ++i) reactor_->Send(Ping(i));
  stream->EndWrite(true);
  ASSERT_THAT(stream->written(), SizeIs(3));
  EXPECT_EQ(stream->written()[2].ping().sequence(), 100u);
  stream->EndWrite(true);
  EXPECT_FALSE(stream->writing());
  stream->EndReads();
  stream->Done();
}

TEST_F(NodeStreamTest, ACancelDuringAWriteFinishesOnce) {
  auto stream = OpenWithHello();
  ASSERT_TRUE(stream->writing());
  stream->Cancel();
  ASSERT_TRUE(stream->finished().has_value());
  EXPECT_EQ(stream->finished()->error_code(), grpc::StatusCode::CANCELLED);
  stream->EndWrite(false);
  stream->EndReads();
  reactor_->Close(absl::UnavailableError("later"));
  reactor_->Send(Ping(1));
  stream->Done();
  EXPECT_FALSE(GetNode("n1").connected());
}

TEST_F(NodeStreamTest, AWriteThatFailsEndsTheStream) {
  auto stream = OpenWithHello();
  stream->EndWrite(false);
  EXPECT_TRUE(stream->finished().has_value());
  stream->EndReads();
  stream->Done();
}

TEST_F(NodeStreamTest, AnErrorOfTheProtocolReachesTheAgentWithItsReason) {
  auto stream = Open();
  stream->Deliver(testing::FromText<v1::AgentMessage>("pong {}"));
  ASSERT_TRUE(stream->finished().has_value());
  EXPECT_EQ(ErrorReason(FromGrpcStatus(*stream->finished())), "HELLO_EXPECTED");
  EXPECT_FALSE(stream->reading());
  stream->Done();
}

TEST_F(NodeStreamTest, TheLinkMayOutliveTheStream) {
  auto stream = OpenWithHello();
  std::shared_ptr<NodeLink> link = reactor_->shared_from_this();
  stream->EndReads();
  stream->EndWrite(true);
  stream->Done();
  link->Send(Ping(1));
  link->Close(absl::UnavailableError("late"));
  EXPECT_THAT(stream->written(), SizeIs(1));
}

TEST_F(NodeStreamTest, AttachingTwiceEndsTheOlder) {
  auto older = OpenWithHello();
  auto newer = OpenWithHello();
  ASSERT_TRUE(older->finished().has_value());
  EXPECT_EQ(ErrorReason(FromGrpcStatus(*older->finished())), "SESSION_SUPERSEDED");
  older->EndWrite(true);
  older->EndReads();
  older->Done();
  EXPECT_TRUE(GetNode("n1").connected());
  newer->EndReads();
  newer->EndWrite(true);
  newer->Done();
}

}  // namespace
}  // namespace hotplugger::server
