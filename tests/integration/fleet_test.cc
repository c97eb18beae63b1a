// Controller and agents together, over real gRPC on loopback.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "absl/synchronization/notification.h"
#include "common/error_info.h"
#include "common/rpc_status.h"
#include "tests/integration/fleet_fixture.h"

namespace hotplugger {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST_F(FleetTest, APolicyParksCpusOfMatchingNodesAndItsDeletionBringsThemBack) {
  AddNode("alpha", {{"pool", "lab"}});
  AddNode("beta", {{"pool", "other"}});
  ASSERT_TRUE(EventuallyOnline("alpha", "0-3"));
  ASSERT_TRUE(EventuallyOnline("beta", "0-3"));
  const auto applied = Apply(ParkPolicy("2-3"));
  ASSERT_TRUE(applied.ok()) << applied.status();
  EXPECT_EQ(applied->matched_nodes(), 1);
  EXPECT_TRUE(EventuallyOnline("alpha", "0-1"));
  EXPECT_TRUE(EventuallyOnline("beta", "0-3"));
  EXPECT_THAT(nodes_.at("beta").host.writes(), IsEmpty());
  ASSERT_TRUE(Delete("park").ok());
  EXPECT_TRUE(EventuallyOnline("alpha", "0-3"));
}

TEST_F(FleetTest, APolicyAppliedBeforeTheNodeCameFindsIt) {
  const auto applied = Apply(ParkPolicy("3"));
  ASSERT_TRUE(applied.ok());
  EXPECT_THAT(applied->warnings(0), HasSubstr("matches no node"));
  AddNode("alpha", {{"pool", "lab"}});
  EXPECT_TRUE(EventuallyOnline("alpha", "0-2"));
}

TEST_F(FleetTest, AFailureIsReportedWithItsCause) {
  AddNode("alpha", {{"pool", "lab"}}).host.FailCpu(3, EOPNOTSUPP);
  ASSERT_TRUE(Apply(ParkPolicy("2-3")).ok());
  EXPECT_TRUE(Eventually("alpha", [](const v1::Node& node) {
    return !node.in_sync() && node.report().state() == v1::APPLY_STATE_FAILED &&
           node.inventory().cpus_online() == "0-1,3";
  }));
  EXPECT_THAT(GetNode("alpha")->report().message(), HasSubstr("EOPNOTSUPP"));
}

TEST_F(FleetTest, AControllerThatComesBackStillKnowsAndTheNodesConverge) {
  AddNode("alpha", {{"pool", "lab"}});
  ASSERT_TRUE(Apply(ParkPolicy("2-3")).ok());
  ASSERT_TRUE(EventuallyOnline("alpha", "0-1"));
  const uint64_t epoch = controller_->epoch();
  StopController();
  nodes_.at("alpha").host.SwitchBehindOurBack(2, true);
  nodes_.at("alpha").agent->HostChanged();
  StartController(port_);
  EXPECT_EQ(controller_->epoch(), epoch + 1);
  EXPECT_TRUE(EventuallyOnline("alpha", "0-1"));
}

TEST_F(FleetTest, AnAgentThatComesBackEnforcesWithoutAController) {
  TestNode& node = AddNode("alpha", {{"pool", "lab"}});
  ASSERT_TRUE(Apply(ParkPolicy("2-3")).ok());
  ASSERT_TRUE(EventuallyOnline("alpha", "0-1"));
  StopController();
  node.agent.reset();
  node.host.SwitchBehindOurBack(2, true);
  node.host.SwitchBehindOurBack(3, true);
  node.boot_id = "rebooted";
  StartAgent("alpha", node);
  const absl::Time deadline = absl::Now() + absl::Seconds(30);
  while (node.host.online() != CpuSet{0, 1} && absl::Now() < deadline) {
  }
  EXPECT_EQ(node.host.online(), (CpuSet{0, 1}));
}

TEST_F(FleetTest, ASecondHostOfTheSameNameIsRefusedAndTheFirstStays) {
  AddNode("alpha", {{"pool", "lab"}});
  ASSERT_TRUE(EventuallyOnline("alpha", "0-3"));
  TestNode impostor;
  impostor.labels = {{"pool", "lab"}};
  impostor.boot_id = "another-host";
  impostor.host.SetDriverWriter(&impostor.kernel);
  StartAgent("alpha", impostor);
  ASSERT_TRUE(Apply(ParkPolicy("3")).ok());
  EXPECT_TRUE(EventuallyOnline("alpha", "0-2"));
  EXPECT_EQ(GetNode("alpha")->boot_id(), "boot-of-alpha");
  EXPECT_THAT(impostor.host.writes(), IsEmpty());
}

TEST_F(FleetTest, DriversAreSwitchedAndRestored) {
  TestNode& node = AddNode("alpha", {{"pool", "lab"}});
  ASSERT_TRUE(EventuallyOnline("alpha", "0-3"));
  v1::Policy policy = ParkPolicy("");
  policy.clear_cpu();
  policy.mutable_drivers()->add_active("alucard");
  ASSERT_TRUE(Apply(policy).ok());
  const auto runs = [](const v1::Node& alpha, v1::DriverState state) {
    return alpha.in_sync() && alpha.inventory().drivers_size() > 0 &&
           alpha.inventory().drivers(0).state() == state;
  };
  EXPECT_TRUE(Eventually("alpha",
                         [&](const auto& alpha) { return runs(alpha, v1::DRIVER_STATE_RUNNING); }));
  ASSERT_TRUE(Delete("park").ok());
  EXPECT_TRUE(Eventually("alpha",
                         [&](const auto& alpha) { return runs(alpha, v1::DRIVER_STATE_STOPPED); }));
  node.agent.reset();
}

TEST_F(FleetTest, BadInputChangesNothing) {
  AddNode("alpha", {{"pool", "lab"}});
  ASSERT_TRUE(EventuallyOnline("alpha", "0-3"));
  const auto violation = [this](const v1::Policy& policy) {
    const auto violations = ErrorFieldViolations(Apply(policy).status());
    return violations.empty() ? "" : violations[0].field;
  };
  EXPECT_EQ(violation(ParkPolicy("3-1")), "policy.cpu.offline");
  v1::Policy long_name = ParkPolicy("3");
  long_name.mutable_drivers()->add_active(std::string(32, 'x'));
  EXPECT_THAT(violation(long_name), HasSubstr("policy.drivers.active"));
  v1::Policy no_selector = ParkPolicy("3");
  no_selector.clear_selector();
  EXPECT_EQ(violation(no_selector), "policy.selector");
  EXPECT_TRUE(EventuallyOnline("alpha", "0-3"));
  EXPECT_THAT(nodes_.at("alpha").host.writes(), IsEmpty());
}

TEST_F(FleetTest, DriversAreSwitchedOnceOnNodesOfASelector) {
  for (const char* name : {"alpha", "beta", "gamma"}) {
    AddNode(name, {{"pool", name == std::string("gamma") ? "other" : "lab"}});
    ASSERT_TRUE(EventuallyOnline(name, "0-3"));
  }
  nodes_.at("beta").kernel.Find("alucard")->start_error = EIO;
  v1::OperateNodesRequest request;
  (*request.mutable_selector()->mutable_match_labels())["pool"] = "lab";
  request.mutable_operation()->mutable_enable_driver()->set_driver("alucard");
  request.set_keep_going(true);
  const auto answers = Operate(request);
  ASSERT_TRUE(answers.ok()) << answers.status();
  ASSERT_EQ(answers->size(), 2u);
  EXPECT_EQ(answers->at("alpha").enable_driver().results(0).outcome(), v1::OUTCOME_CHANGED);
  EXPECT_THAT(answers->at("beta").error().message(), HasSubstr("EIO"));
  EXPECT_TRUE(nodes_.at("alpha").kernel.Find("alucard")->running);
  EXPECT_FALSE(nodes_.at("gamma").kernel.Find("alucard")->running);
}

TEST_F(FleetTest, ANodeThatIsGoneIsSaidToBeSoAndHoldsUpNobody) {
  AddNode("alpha", {{"pool", "lab"}});
  AddNode("beta", {{"pool", "lab"}});
  ASSERT_TRUE(EventuallyOnline("alpha", "0-3"));
  ASSERT_TRUE(EventuallyOnline("beta", "0-3"));
  nodes_.at("beta").agent.reset();
  ASSERT_TRUE(Eventually("beta", [](const v1::Node& node) { return !node.connected(); }));
  v1::OperateNodesRequest request;
  (*request.mutable_selector()->mutable_match_labels())["pool"] = "lab";
  request.mutable_operation()->mutable_list_drivers();
  const auto answers = Operate(request);
  ASSERT_TRUE(answers.ok()) << answers.status();
  EXPECT_EQ(ErrorReason(FromRpcStatus(answers->at("beta").error())), "NODE_NOT_CONNECTED");
  EXPECT_GE(answers->at("alpha").list_drivers().drivers_size(), 2);
}

// One driver is being switched on alpha, which takes as long as a test wants.
class OperationUnderWayTest : public FleetTest {
 protected:
  OperationUnderWayTest() {
    for (const char* name : {"alpha", "beta"}) AddNode(name, {{"pool", "lab"}});
    nodes_.at("alpha").before_switch = [this] {
      if (!begun_.HasBeenNotified()) begun_.Notify();
      go_on_.WaitForNotification();
    };
    (*request_.mutable_selector()->mutable_match_labels())["pool"] = "lab";
    request_.mutable_operation()->mutable_enable_driver()->set_driver("alucard");
    request_.set_parallel(1);
  }
  ~OperationUnderWayTest() override {
    if (!go_on_.HasBeenNotified()) go_on_.Notify();
    // While what they wait for is still there.
    nodes_.clear();
  }
  void SetUp() override {
    ASSERT_TRUE(EventuallyOnline("alpha", "0-3"));
    ASSERT_TRUE(EventuallyOnline("beta", "0-3"));
  }

  v1::OperateNodesRequest request_;
  absl::Notification begun_;
  absl::Notification go_on_;
};

TEST_F(OperationUnderWayTest, WhoEndsTheCallKeepsFurtherNodesFromBeingAsked) {
  grpc::ClientContext context;
  const auto reader = fleet_->OperateNodes(&context, request_);
  begun_.WaitForNotification();
  context.TryCancel();
  EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::CANCELLED);
  // On the same connection, so the controller learns of the end before it answers all these.
  for (int i = 0; i < 50; ++i) EXPECT_TRUE(GetNode("beta").ok());
  go_on_.Notify();
  // Behind it on alpha; and whoever was to be asked next would have been before this is.
  v1::OperateNodesRequest list = request_;
  list.mutable_operation()->mutable_set_switching()->set_switching(v1::SWITCH_ON);
  const auto answers = Operate(list);
  ASSERT_TRUE(answers.ok()) << answers.status();
  EXPECT_TRUE(nodes_.at("alpha").kernel.Find("alucard")->running);
  EXPECT_FALSE(nodes_.at("beta").kernel.Find("alucard")->running);
}

TEST_F(OperationUnderWayTest, AControllerThatStopsSaysWhatIsNotKnownAndWhatWasNotBegun) {
  absl::StatusOr<std::map<std::string, v1::OperationResult>> answers;
  std::thread asking([&] { answers = Operate(request_); });
  begun_.WaitForNotification();
  StopController();
  asking.join();
  go_on_.Notify();
  ASSERT_TRUE(answers.ok()) << answers.status();
  EXPECT_EQ(ErrorReason(FromRpcStatus(answers->at("alpha").error())), "ANSWER_LOST");
  EXPECT_EQ(ErrorReason(FromRpcStatus(answers->at("beta").error())), "NOT_BEGUN");
}

}  // namespace
}  // namespace hotplugger
