#include "server/api/plan_stream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/error_info.h"
#include "common/rpc_status.h"
#include "common/transport/grpc_status.h"
#include "tests/fakes/fake_node_operator.h"
#include "tests/fakes/fake_server_writer.h"
#include "tests/server/fleet/fleet_fixture.h"

namespace hotplugger::server {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Writer = testing::FakeServerWriter<v1::PlanChangeResponse>;

class PlanStreamTest : public FleetFixture {
 protected:
  PlanStreamTest() {
    first_ = Connect("n1");
    second_ = Connect("n2");
  }

  std::unique_ptr<Writer> Open(const std::string& request) {
    auto writer = std::make_unique<Writer>(PlanStream::Start(
        testing::FromText<v1::PlanChangeRequest>(request), engine_.get(), &nodes_, &calls_));
    // The engine has said which nodes are affected.
    Settle();
    return writer;
  }

  FakeAgent first_;
  FakeAgent second_;
  testing::FakeNodeOperator nodes_;
  OperationCalls calls_;
};

TEST_F(PlanStreamTest, TheOverviewThenTheNodesThenTheSummary) {
  auto writer =
      Open(R"(apply_policy {name: "p" selector {nodes: "n*"} cpu {offline: "1"}} parallel: 1)");
  ASSERT_EQ(writer->written().size(), 1u);
  EXPECT_EQ(writer->written()[0].overview().affected_nodes(), 2);
  writer->EndWrite(true);
  nodes_.AnswerNext(MakeError(absl::StatusCode::kUnavailable, "NODE_NOT_CONNECTED", "gone"));
  ASSERT_EQ(writer->written().size(), 2u);
  EXPECT_EQ(writer->written()[1].node().node(), "n1");
  EXPECT_EQ(ErrorReason(FromRpcStatus(writer->written()[1].node().error())), "NODE_NOT_CONNECTED");
  writer->EndWrite(true);
  EXPECT_THAT(nodes_.asked, ElementsAre("n1", "n2")) << "one that fails holds up no other";
  nodes_.AnswerNext();
  ASSERT_EQ(writer->written().size(), 3u);
  EXPECT_EQ(ErrorReason(FromRpcStatus(writer->written()[2].node().error())), "BAD_ANSWER");
  writer->EndWrite(true);
  ASSERT_EQ(writer->written().size(), 4u);
  EXPECT_THAT(writer->written()[3].summary().unanswered_nodes(), ElementsAre("n1", "n2"));
  EXPECT_FALSE(writer->finished());
  writer->EndWrite(true);
  ASSERT_TRUE(writer->finished());
  EXPECT_TRUE(writer->finished()->ok());
  writer->Done();
}

TEST_F(PlanStreamTest, WhatAffectsNobodyIsSummedUpAtOnce) {
  auto writer = Open(R"(apply_policy {name: "p" selector {nodes: "x"} cpu {offline: "1"}})");
  ASSERT_EQ(writer->written().size(), 1u);
  EXPECT_EQ(writer->written()[0].overview().affected_nodes(), 0);
  EXPECT_EQ(writer->written()[0].overview().warnings_size(), 1);
  writer->EndWrite(true);
  ASSERT_EQ(writer->written().size(), 2u);
  EXPECT_TRUE(writer->written()[1].has_summary());
  writer->EndWrite(true);
  ASSERT_TRUE(writer->finished());
  EXPECT_TRUE(writer->finished()->ok());
  writer->Done();
}

TEST_F(PlanStreamTest, WhatIsWrongEndsItAndTakesNoPlace) {
  for (int i = 0; i < OperationCalls::kMax + 1; ++i) {
    for (const char* request : {R"(delete_policy: "x")", "parallel: 0", ""}) {
      auto writer = Open(request);
      ASSERT_TRUE(writer->finished());
      EXPECT_NE(ErrorReason(FromGrpcStatus(*writer->finished())), "TOO_MANY_CALLS");
      writer->Done();
    }
  }
  EXPECT_THAT(nodes_.asked, IsEmpty());
}

// Before the engine has come to it, and after.
TEST_F(PlanStreamTest, WhoGoesAwayLeavesNothingBehind) {
  for (int i = 0; i < OperationCalls::kMax + 1; ++i) {
    Writer writer(PlanStream::Start(
        testing::FromText<v1::PlanChangeRequest>(
            R"(apply_policy {name: "p" selector {nodes: "n*"} cpu {offline: "1"}})"),
        engine_.get(), &nodes_, &calls_));
    if (i % 2 == 0) Settle();
    writer.Cancel();
    EXPECT_TRUE(writer.finished());
    writer.Done();
    Settle();
  }
  while (!nodes_.answers.empty()) nodes_.AnswerNext();
  auto writer = Open(R"(apply_policy {name: "p" selector {nodes: "x"} cpu {offline: "1"}})");
  EXPECT_FALSE(writer->finished()) << "there is room";
  writer->Cancel();
  writer->Done();
}

}  // namespace
}  // namespace hotplugger::server
