#include "agent/reconcile/remote_operations.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include "absl/synchronization/notification.h"
#include "agent/reconcile/spec_trial.h"
#include "common/error_info.h"
#include "common/rpc_status.h"
#include "tests/agent/reconcile/host_fixture.h"
#include "tests/fakes/fake_controller_link.h"

namespace hotplugger::agent {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class RemoteOperationsTest : public ::testing::Test, protected HostFixture {
 protected:
  ~RemoteOperationsTest() override {
    queue_.Stop();
    query_queue_.Stop();
  }

  // Asks, and gives the question's id.
  std::string Put(const v1::Operation& operation, int seconds = 60) {
    v1::NodeOperation asked;
    asked.set_id(absl::StrCat("op-", ++last_id_));
    asked.mutable_deadline()->set_seconds(seconds);
    *asked.mutable_operation() = operation;
    operations_.Receive(asked, {epoch_});
    return asked.id();
  }
  v1::OperationResult Await(const std::string& id) {
    const auto answer = link_.AwaitResult(id);
    return answer.has_value() ? answer->result() : v1::OperationResult();
  }
  v1::OperationResult Ask(const v1::Operation& operation, int seconds = 60) {
    return Await(Put(operation, seconds));
  }
  std::string ReasonOf(const v1::OperationResult& result) {
    return ErrorReason(FromRpcStatus(result.error()));
  }
  // Keeps the operation queue busy until `released_`.
  void Occupy() {
    absl::Notification begun;
    EXPECT_TRUE(queue_
                    .Add([this, &begun] {
                      begun.Notify();
                      released_.WaitForNotification();
                    })
                    .ok());
    begun.WaitForNotification();
  }
  static v1::Operation Enable(const std::string& driver) {
    v1::Operation operation;
    operation.mutable_enable_driver()->set_driver(driver);
    return operation;
  }

  testing::FakeControllerLink link_;
  uint64_t epoch_ = 7;
  std::atomic<bool> stopping_ = false;
  absl::Notification released_;
  WorkQueue queue_{"operation queue", 4};
  WorkQueue query_queue_{"query queue", 4};
  LocalDeviceOperations devices_{*host};
  LocalDriverOperations drivers_{*host};
  int changes_ = 0;
  RemoteOperations operations_{{.host = *host,
                                .devices = devices_,
                                .drivers = drivers_,
                                .operation_queue = queue_,
                                .query_queue = query_queue_,
                                .link = link_,
                                .changed = [this] { ++changes_; },
                                .stopping = [this] { return stopping_.load(); }}};
  int last_id_ = 0;
};

TEST_F(RemoteOperationsTest, DoesWhatItIsAskedAndAnswers) {
  const v1::OperationResult result = Ask(Enable("alucard"));
  ASSERT_TRUE(result.has_enable_driver()) << result.DebugString();
  EXPECT_EQ(result.enable_driver().results(0).outcome(), v1::OUTCOME_CHANGED);
  EXPECT_TRUE(Runs("alucard"));
  EXPECT_EQ(changes_, 1);
}

TEST_F(RemoteOperationsTest, EveryOperationHasItsAnswer) {
  v1::Operation operation;
  operation.mutable_list_drivers();
  EXPECT_EQ(Ask(operation).list_drivers().drivers_size(), 3);
  operation.mutable_list_conflicting_actors();
  EXPECT_TRUE(Ask(operation).has_list_conflicting_actors());
  operation.mutable_explain_device()->set_device("cpu3");
  EXPECT_EQ(Ask(operation).explain_device().device().name(), "cpu3");
  operation.mutable_plan_spec();
  EXPECT_EQ(Ask(operation).plan_spec().plan().before().cpus(), 4);
  EXPECT_EQ(changes_, 0) << "they only read";
  operation.mutable_disable_driver()->set_driver("alucard");
  EXPECT_TRUE(Ask(operation).has_disable_driver());
  operation.mutable_switch_drivers()->add_active("alucard");
  EXPECT_TRUE(Ask(operation).has_switch_drivers());
  operation.mutable_unregister_driver()->set_driver("bricked");
  EXPECT_TRUE(Ask(operation).has_unregister_driver());
  operation.mutable_register_driver()->set_driver("bricked");
  EXPECT_TRUE(Ask(operation).has_register_driver());
  operation.mutable_set_switching()->set_switching(v1::SWITCH_OFF);
  EXPECT_TRUE(Ask(operation).has_set_switching());
  operation.mutable_retry_spec();
  EXPECT_TRUE(Ask(operation).has_retry_spec());
}

TEST_F(RemoteOperationsTest, AnErrorComesBackWithItsDetails) {
  const absl::Status status = FromRpcStatus(Ask(Enable("nobody")).error());
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(ErrorReason(status), "DRIVER_NOT_REGISTERED");
}

TEST_F(RemoteOperationsTest, WhatTheSpecHoldsIsRefusedAsOnTheHostItself) {
  v1::NodeSpec spec;
  spec.add_drivers_active("alucard");
  SetSpec(spec);
  EXPECT_EQ(ErrorReason(FromRpcStatus(Ask(Enable("bricked")).error())), "HELD_BY_SPEC");
}

TEST_F(RemoteOperationsTest, OneThatThisAgentDoesNotKnowIsSaidToBeSo) {
  EXPECT_EQ(ErrorReason(FromRpcStatus(Ask(v1::Operation()).error())), "UNKNOWN_OPERATION");
}

TEST_F(RemoteOperationsTest, OneWhoseTurnComesTooLateIsNotBegun) {
  const absl::Status status = FromRpcStatus(Ask(Enable("alucard"), 0).error());
  EXPECT_EQ(ErrorReason(status), "NOT_BEGUN");
  EXPECT_FALSE(Runs("alucard"));
}

TEST_F(RemoteOperationsTest, AFullQueueIsAnsweredAtOnceAndHoldsUpNoQuestion) {
  Occupy();
  std::vector<std::string> waiting;
  for (int i = 0; i < 4; ++i) waiting.push_back(Put(Enable("alucard")));
  EXPECT_EQ(ReasonOf(Ask(Enable("alucard"))), "QUEUE_FULL");
  v1::Operation list;
  list.mutable_list_drivers();
  EXPECT_EQ(Ask(list).list_drivers().drivers_size(), 3) << "it waits for no operation";
  released_.Notify();
  for (const std::string& id : waiting) EXPECT_TRUE(Await(id).has_enable_driver());
}

TEST_F(RemoteOperationsTest, AnAgentThatStopsBeginsNothing) {
  Occupy();
  const std::string waits = Put(Enable("alucard"));
  stopping_ = true;
  released_.Notify();
  EXPECT_EQ(ReasonOf(Await(waits)), "NOT_BEGUN");
  EXPECT_FALSE(Runs("alucard"));
}

TEST_F(RemoteOperationsTest, TheLargestEpochIsOnDiskBeforeItIsObeyedAndSmallerOnesAreRefused) {
  EXPECT_TRUE(Ask(Enable("alucard")).has_enable_driver());
  EXPECT_EQ(store.saved.largest_epoch(), 7U);
  epoch_ = 6;
  EXPECT_EQ(ReasonOf(Ask(Enable("bricked"))), "STALE_EPOCH");
  EXPECT_FALSE(Runs("bricked"));
  epoch_ = 8;
  EXPECT_TRUE(Ask(Enable("bricked")).has_enable_driver());
}

TEST_F(RemoteOperationsTest, TheEpochOfAWelcomeIsKeptToo) {
  operations_.NoteController({9});
  EXPECT_EQ(ReasonOf(Ask(Enable("bricked"))), "STALE_EPOCH");
  EXPECT_EQ(store.saved.largest_epoch(), 9U);
}

class RetrySpecTest : public RemoteOperationsTest {
 protected:
  // The spec "bad" was given up.
  RetrySpecTest() {
    EXPECT_TRUE(host->TakeController({epoch_}).ok());
    v1::AgentState state = host->state();
    state.mutable_rejected()->set_digest("bad");
    state.mutable_rejected()->set_state(v1::APPLY_STATE_QUARANTINED);
    EXPECT_TRUE(host->SaveState(state).ok());
    link_.SendRejection(ToReport(state.rejected()));
  }

  v1::OperationResult Retry(const std::string& digest) {
    v1::Operation operation;
    operation.mutable_retry_spec()->set_digest(digest);
    return Ask(operation);
  }
};

TEST_F(RetrySpecTest, WhatWasGivenUpIsForgottenOnDiskAndByTheLink) {
  const v1::OperationResult result = Retry("bad");
  ASSERT_TRUE(result.has_retry_spec()) << result.DebugString();
  EXPECT_EQ(result.retry_spec().digest(), "bad");
  EXPECT_FALSE(store.saved.has_rejected());
  EXPECT_FALSE(link_.rejection());
  EXPECT_EQ(changes_, 1);
  const v1::OperationResult again = Retry("bad");
  ASSERT_TRUE(again.has_retry_spec());
  EXPECT_EQ(again.retry_spec().digest(), "") << "none is given up any more";
}

TEST_F(RetrySpecTest, WhicheverItIsWhereNoneIsNamed) {
  EXPECT_EQ(Retry("").retry_spec().digest(), "bad");
  EXPECT_FALSE(store.saved.has_rejected());
}

TEST_F(RetrySpecTest, AnotherOneIsAnErrorThatNamesBoth) {
  const absl::Status status = FromRpcStatus(Retry("worse").error());
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ErrorReason(status), "NOT_GIVEN_UP");
  EXPECT_THAT(std::string(status.message()), AllOf(HasSubstr("bad"), HasSubstr("worse")));
  EXPECT_TRUE(store.saved.has_rejected());
  EXPECT_TRUE(link_.rejection());
}

TEST_F(RetrySpecTest, WhatCannotBeSavedStaysGivenUp) {
  store.SetFailure(MakeError(absl::StatusCode::kResourceExhausted, "NO_SPACE", "full"));
  EXPECT_EQ(ReasonOf(Retry("bad")), "NO_SPACE");
  EXPECT_TRUE(host->state().has_rejected());
  EXPECT_TRUE(link_.rejection());
}

TEST_F(RemoteOperationsTest, NothingIsDoneForAnEpochThatCannotBeKept) {
  store.SetFailure(MakeError(absl::StatusCode::kResourceExhausted, "NO_SPACE", "full"));
  EXPECT_EQ(ReasonOf(Ask(Enable("bricked"))), "NO_SPACE");
  EXPECT_EQ(ReasonOf(Ask(Enable("bricked"))), "NO_SPACE");
  epoch_ = 6;
  EXPECT_EQ(ReasonOf(Ask(Enable("bricked"))), "STALE_EPOCH") << "a later one has been seen";
  EXPECT_FALSE(Runs("bricked"));
}

}  // namespace
}  // namespace hotplugger::agent
