#include "server/api/operation_stream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "common/error_info.h"
#include "common/transport/grpc_status.h"
#include "server/audit/audit_log.h"
#include "tests/fakes/fake_node_operator.h"
#include "tests/fakes/fake_server_writer.h"
#include "tests/fakes/proto_text.h"

namespace hotplugger::server {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Writer = testing::FakeServerWriter<v1::OperateNodesResponse>;

class OperationStreamTest : public ::testing::Test {
 protected:
  static OperationPlan Plan(int count, int parallel) {
    OperationPlan plan;
    for (int i = 0; i < count; ++i) plan.nodes.push_back(absl::StrCat("n", i));
    plan.operation.mutable_enable_driver()->set_driver("x");
    plan.deadline = absl::Seconds(9);
    plan.parallel = parallel;
    return plan;
  }
  std::unique_ptr<Writer> Open(absl::StatusOr<OperationPlan> plan) {
    return std::make_unique<Writer>(OperationStream::Start(
        std::move(plan), &nodes_, &calls_, testing::FromText<v1::AuditEntry>(R"(peer: "p")"),
        [this](v1::AuditEntry entry, absl::AnyInvocable<void(absl::Status)> done) {
          audit_.push_back(std::move(entry));
          if (!done) return;
          if (kept_.ok() && late_) {
            keep_ = std::move(done);
          } else {
            done(kept_);
          }
        }));
  }
  static std::vector<std::string> Nodes(const Writer& writer) {
    std::vector<std::string> nodes;
    for (const v1::OperateNodesResponse& answer : writer.written()) nodes.push_back(answer.node());
    return nodes;
  }

  testing::FakeNodeOperator nodes_;
  OperationCalls calls_;
  std::vector<v1::AuditEntry> audit_;
  // Whether entries can be kept; and whether that is told later, by keep_.
  absl::Status kept_;
  bool late_ = false;
  absl::AnyInvocable<void(absl::Status)> keep_;
};

TEST_F(OperationStreamTest, AnswersLeaveOneAfterTheOtherAndThenItEnds) {
  auto writer = Open(Plan(3, 3));
  nodes_.AnswerNext();
  nodes_.AnswerNext();
  EXPECT_THAT(Nodes(*writer), ElementsAre("n0")) << "one write at a time";
  writer->EndWrite(true);
  EXPECT_THAT(Nodes(*writer), ElementsAre("n0", "n1"));
  writer->EndWrite(true);
  EXPECT_FALSE(writer->finished());
  nodes_.AnswerNext();
  writer->EndWrite(true);
  ASSERT_TRUE(writer->finished());
  EXPECT_TRUE(writer->finished()->ok());
  writer->Done();
}

TEST_F(OperationStreamTest, WhoReadsSlowlySlowsTheAsking) {
  auto writer = Open(Plan(10, 2));
  for (int i = 0; i < 3; ++i) nodes_.AnswerNext();
  EXPECT_THAT(nodes_.asked, ElementsAre("n0", "n1", "n2", "n3")) << "two answers wait";
  writer->EndWrite(true);
  EXPECT_THAT(nodes_.asked, ElementsAre("n0", "n1", "n2", "n3", "n4"));
  writer->Cancel();
  EXPECT_EQ(writer->finished()->error_code(), grpc::StatusCode::CANCELLED);
  writer->EndWrite(false);
  writer->Done();
  EXPECT_THAT(nodes_.withdrawn, ElementsAre("n3", "n4"));
  while (!nodes_.answers.empty()) nodes_.AnswerNext();
}

TEST_F(OperationStreamTest, AWriteThatFailsEndsItAndAsksNobodyAnyMore) {
  auto writer = Open(Plan(10, 2));
  nodes_.AnswerNext();
  const size_t asked = nodes_.asked.size();
  writer->EndWrite(false);
  ASSERT_TRUE(writer->finished());
  writer->Cancel();
  writer->Done();
  while (!nodes_.answers.empty()) nodes_.AnswerNext();
  EXPECT_EQ(nodes_.asked.size(), asked);
}

TEST_F(OperationStreamTest, ARequestThatIsWrongEndsAtOnce) {
  auto writer = Open(MakeError(absl::StatusCode::kNotFound, "NODE_NOT_FOUND", "no"));
  ASSERT_TRUE(writer->finished());
  EXPECT_EQ(ErrorReason(FromGrpcStatus(*writer->finished())), "NODE_NOT_FOUND");
  EXPECT_THAT(nodes_.asked, IsEmpty());
  writer->Done();
}

TEST_F(OperationStreamTest, CallsAreBoundedAndOneThatEndsMakesRoom) {
  std::vector<std::unique_ptr<Writer>> open;
  for (int i = 0; i < OperationCalls::kMax; ++i) open.push_back(Open(Plan(1, 1)));
  auto refused = Open(Plan(1, 1));
  ASSERT_TRUE(refused->finished());
  EXPECT_EQ(ErrorReason(FromGrpcStatus(*refused->finished())), "TOO_MANY_CALLS");
  refused->Done();
  EXPECT_NE(audit_.back().status().code(), 0) << "nobody was asked";
  open[0]->Cancel();
  open[0]->Done();
  auto taken = Open(Plan(1, 1));
  EXPECT_FALSE(taken->finished());
  taken->Cancel();
  taken->Done();
  for (size_t i = 1; i < open.size(); ++i) {
    open[i]->Cancel();
    open[i]->Done();
  }
  while (!nodes_.answers.empty()) nodes_.AnswerNext();
}

TEST_F(OperationStreamTest, TheAuditLogIsToldWhatIsAskedAndWhatCameOfIt) {
  OperationPlan plan = Plan(3, 3);
  plan.keep_going = true;
  auto writer = Open(std::move(plan));
  ASSERT_EQ(audit_.size(), 1u);
  EXPECT_EQ(audit_[0].peer(), "p");
  EXPECT_EQ(audit_[0].summary(), "asked of 3 nodes: enable_driver { driver: \"x\" }");
  nodes_.AnswerNext();
  nodes_.AnswerNext(absl::UnavailableError("gone"));
  nodes_.AnswerNext();
  for (int i = 0; i < 3; ++i) writer->EndWrite(true);
  writer->Done();
  ASSERT_EQ(audit_.size(), 2u);
  EXPECT_EQ(audit_[0].status().code(), 0);
  EXPECT_EQ(audit_[1].summary(), "ended: 2 of 3 nodes did it; not: n1");
  EXPECT_EQ(audit_[1].status().code(), static_cast<int>(absl::StatusCode::kAborted));
}

TEST_F(OperationStreamTest, OfACallThatIsEndedTheAuditLogSaysWhatIsNotKnown) {
  auto writer = Open(Plan(3, 2));
  nodes_.AnswerNext();
  writer->EndWrite(true);
  writer->Cancel();
  writer->Done();
  ASSERT_EQ(audit_.size(), 2u);
  EXPECT_EQ(audit_[1].summary(),
            "ended: 1 of 3 nodes did it; of 2 it is not known: the call was ended before");
  EXPECT_NE(audit_[1].status().code(), 0);
  while (!nodes_.answers.empty()) nodes_.AnswerNext();
}

TEST_F(OperationStreamTest, WhatIsRefusedIsToldOnce) {
  auto refused = Open(MakeError(absl::StatusCode::kNotFound, "NODE_NOT_FOUND", "no"));
  refused->Done();
  ASSERT_EQ(audit_.size(), 1u);
  EXPECT_EQ(audit_[0].status().message(), "no");
  EXPECT_EQ(audit_[0].summary(), "");
}

TEST_F(OperationStreamTest, WhatOnlyReadsIsNotTold) {
  Writer writer(OperationStream::Start(Plan(1, 1), &nodes_, &calls_, {}, nullptr));
  nodes_.AnswerNext();
  writer.EndWrite(true);
  EXPECT_TRUE(writer.finished()->ok());
  writer.Done();
}

TEST_F(OperationStreamTest, NobodyIsAskedBeforeTheEntryIsKept) {
  late_ = true;
  auto writer = Open(Plan(2, 2));
  EXPECT_THAT(nodes_.asked, IsEmpty());
  EXPECT_EQ(audit_.size(), 1u);
  keep_(absl::OkStatus());
  EXPECT_THAT(nodes_.asked, ElementsAre("n0", "n1"));
  for (int i = 0; i < 2; ++i) nodes_.AnswerNext();
  for (int i = 0; i < 2; ++i) writer->EndWrite(true);
  EXPECT_TRUE(writer->finished()->ok());
  writer->Done();
}

TEST_F(OperationStreamTest, WithAFullStoreNothingIsBegun) {
  kept_ = MakeError(absl::StatusCode::kResourceExhausted, "STORE_FULL", "the disk is full");
  auto writer = Open(Plan(2, 2));
  ASSERT_TRUE(writer->finished());
  const absl::Status status = FromGrpcStatus(*writer->finished());
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ErrorReason(status), "STORE_FULL");
  EXPECT_THAT(std::string(status.message()), ::testing::HasSubstr("nothing was asked"));
  EXPECT_THAT(std::string(status.message()), ::testing::HasSubstr("the disk is full"));
  writer->Done();
  EXPECT_THAT(nodes_.asked, IsEmpty());
  EXPECT_EQ(audit_.size(), 1u) << "no end of what had no beginning";
}

TEST_F(OperationStreamTest, OfACallThatIsEndedBeforeItBeganTheLogSaysSo) {
  late_ = true;
  auto writer = Open(Plan(2, 2));
  writer->Cancel();
  writer->Done();
  EXPECT_EQ(audit_.size(), 1u);
  keep_(absl::OkStatus());
  EXPECT_THAT(nodes_.asked, IsEmpty());
  ASSERT_EQ(audit_.size(), 2u);
  EXPECT_EQ(audit_[1].status().message(), "ended before any of the 2 nodes was asked");
  EXPECT_TRUE(IsRefusal(audit_[1]));
}

// So that nobody can push changes out of the audit log with what reaches no node.
TEST_F(OperationStreamTest, WhatReachesNoNodeCountsAsARefusal) {
  const absl::Status unreached =
      MakeError(absl::StatusCode::kUnavailable, "NODE_NOT_CONNECTED", "it is not connected");
  OperationPlan plan = Plan(2, 2);
  plan.keep_going = true;
  for (const absl::Status& second : {unreached, absl::UnavailableError("it broke")}) {
    audit_.clear();
    auto writer = Open(plan);
    nodes_.AnswerNext(unreached);
    nodes_.AnswerNext(second);
    for (int i = 0; i < 2; ++i) writer->EndWrite(true);
    writer->Done();
    ASSERT_EQ(audit_.size(), 2u);
    EXPECT_FALSE(IsRefusal(audit_[0]));
    EXPECT_EQ(IsRefusal(audit_[1]), second == unreached);
    EXPECT_EQ(audit_[1].status().message(), "ended: 0 of 2 nodes did it; not: n0, n1");
  }
}

}  // namespace
}  // namespace hotplugger::server
