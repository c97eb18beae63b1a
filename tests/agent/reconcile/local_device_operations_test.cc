#include "agent/reconcile/local_device_operations.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/error_info.h"
#include "tests/agent/reconcile/host_fixture.h"
#include "tests/fakes/counted.h"
#include "tests/fakes/proto_text.h"

namespace hotplugger::agent {
namespace {

using testing::CountedOperations;
using ::testing::ElementsAre;
using testing::FromText;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class LocalDeviceOperationsTest : public ::testing::Test, protected HostFixture {
 protected:
  explicit LocalDeviceOperationsTest(testing::FakeHostOptions options = {})
      : HostFixture(AnyNumber(), std::move(options)) {}

  LocalDeviceOperations Operations() { return LocalDeviceOperations(*host); }

  absl::StatusOr<v1::OfflineDevicesResponse> Offline(const std::string& request) {
    return Operations().OfflineDevices(FromText<v1::OfflineDevicesRequest>(request));
  }
  absl::StatusOr<v1::OnlineDevicesResponse> Online(const std::string& request) {
    return Operations().OnlineDevices(FromText<v1::OnlineDevicesRequest>(request));
  }
  v1::DevicePlan Plan(const std::string& request) {
    const auto response = Operations().PlanDevices(FromText<v1::PlanDevicesRequest>(request));
    EXPECT_TRUE(response.ok()) << response.status();
    return response.ok() ? response->plan() : v1::DevicePlan();
  }
  v1::ExplainDeviceResponse Explain(const std::string& device) {
    v1::ExplainDeviceRequest request;
    request.set_device(device);
    const auto response = Operations().ExplainDevice(request);
    EXPECT_TRUE(response.ok()) << response.status();
    return response.ok() ? *response : v1::ExplainDeviceResponse();
  }

  void KeepOffline(const std::string& cpus) {
    v1::NodeSpec spec;
    spec.set_cpu_offline(cpus);
    SetSpec(spec);
  }
};

std::vector<std::string> Fields(const absl::Status& status) {
  std::vector<std::string> fields;
  for (const FieldViolation& violation : ErrorFieldViolations(status)) {
    fields.push_back(violation.field);
  }
  return fields;
}

template <typename Items>
std::vector<std::string> Reasons(const Items& items) {
  std::vector<std::string> reasons;
  for (const v1::ItemResult& item : items) reasons.push_back(item.reason());
  return reasons;
}

TEST_F(LocalDeviceOperationsTest, SwitchesOneDeviceAndItsFailureIsTheCalls) {
  EXPECT_EQ(Offline("target { device: 'cpu3' }")->results(0).outcome(), v1::OUTCOME_CHANGED);
  EXPECT_EQ(fake.online(), (CpuSet{0, 1, 2}));
  EXPECT_EQ(Online("target { device: 'cpu3' }")->results(0).outcome(), v1::OUTCOME_CHANGED);
  EXPECT_EQ(ErrorReason(Offline("target { device: 'cpu0' }").status()), "NOT_HOTPLUGGABLE");
}

TEST_F(LocalDeviceOperationsTest, AListAnswersEachDevice) {
  const auto response = Offline("target { cpus: '0,2-3' }");
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_THAT(Reasons(response->results()),
              ::testing::UnorderedElementsAre("", "", "NOT_HOTPLUGGABLE"));
  EXPECT_EQ(fake.online(), (CpuSet{0, 1}));
}

TEST_F(LocalDeviceOperationsTest, AllOrNothingUndoes) {
  const auto response =
      Offline("target { cpus: '0,2-3' } options { group: GROUP_MODE_ALL_OR_NOTHING }");
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(fake.online(), (CpuSet{0, 1, 2, 3}));
}

TEST_F(LocalDeviceOperationsTest, NothingIsDoneOfABadRequest) {
  EXPECT_THAT(Fields(Offline("target { cpus: '3-1' }").status()), ElementsAre("target.cpus"));
  EXPECT_THAT(Fields(Offline("").status()), ElementsAre("target"));
  EXPECT_THAT(Fields(Offline("target { cpus: '3' } options { deadline {} }").status()),
              ElementsAre("options.deadline"));
  EXPECT_THAT(Fields(Online("target { cpus: '3' } zone: MEMORY_ZONE_MOVABLE").status()),
              ElementsAre("zone"));
  EXPECT_THAT(fake.writes(), IsEmpty());
}

TEST_F(LocalDeviceOperationsTest, WhatTheSpecHoldsIsRefusedAndItsSourceNamed) {
  v1::NodeSpec spec;
  spec.set_cpu_offline("3");
  spec.set_cpu_online("1");
  SetSpec(spec);
  const absl::Status online = Online("target { device: 'cpu3' }").status();
  EXPECT_EQ(ErrorReason(online), "HELD_BY_SPEC");
  EXPECT_THAT(std::string(online.message()), HasSubstr("policy/park"));
  EXPECT_EQ(ErrorReason(Offline("target { device: 'cpu1' }").status()), "HELD_BY_SPEC");
  EXPECT_TRUE(Offline("target { device: 'cpu2' }").ok());
}

TEST_F(LocalDeviceOperationsTest, WhatIsHeldIsCountedThoughItNeverComesToTheKernel) {
  KeepOffline("3");
  EXPECT_FALSE(Online("target { device: 'cpu3' }").ok());
  EXPECT_TRUE(Online("target { cpus: '2-3' }").ok());
  EXPECT_TRUE(Online("target { cpus: '2-3' } options { group: GROUP_MODE_ALL_OR_NOTHING }").ok());
  EXPECT_THAT(CountedOperations(counters),
              ElementsAre("cpu online already 1", "cpu online refused HELD_BY_SPEC 3",
                          "cpu online skipped GROUP_FAILED 1"));
}

// As in a group, the second try is a part of the first.
TEST_F(LocalDeviceOperationsTest, ASecondTryIsNoSecondOperation) {
  fake.Fail("cpu3", EBUSY, /*times=*/1);
  EXPECT_TRUE(Offline("target { device: 'cpu3' }").ok());
  EXPECT_EQ(ErrorReason(Offline("target { device: 'cpu0' }").status()), "NOT_HOTPLUGGABLE");
  EXPECT_THAT(CountedOperations(counters),
              ElementsAre("cpu offline changed 1", "cpu offline refused NOT_HOTPLUGGABLE 1"));
}

TEST_F(LocalDeviceOperationsTest, OfAListOnlyWhatIsHeldIsRefused) {
  v1::NodeSpec spec;
  spec.set_cpu_online("1");
  SetSpec(spec);
  const auto response = Offline("target { cpus: '1-2' }");
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_THAT(Reasons(response->results()), ::testing::UnorderedElementsAre("HELD_BY_SPEC", ""));
  EXPECT_EQ(fake.online(), (CpuSet{0, 1, 3}));
  const auto nothing =
      Offline("target { cpus: '1,3' } options { group: GROUP_MODE_ALL_OR_NOTHING }");
  EXPECT_THAT(Reasons(nothing->results()),
              ::testing::UnorderedElementsAre("HELD_BY_SPEC", "GROUP_FAILED"));
  EXPECT_EQ(fake.online(), (CpuSet{0, 1, 3}));
}

TEST_F(LocalDeviceOperationsTest, APlanShowsAndWritesNothing) {
  const v1::DevicePlan plan = Plan("offline { target { cpus: '0,3' } }");
  EXPECT_EQ(plan.before().cpus(), 4);
  EXPECT_EQ(plan.after().cpus(), 3);
  EXPECT_EQ(plan.stamp().boot_id(), "boot-1");
  EXPECT_THAT(Reasons(plan.steps()), ::testing::UnorderedElementsAre("NOT_HOTPLUGGABLE", ""));
  EXPECT_THAT(fake.writes(), IsEmpty());
}

TEST_F(LocalDeviceOperationsTest, EveryFieldOfAPlanIsChecked) {
  const auto fields = [this](const std::string& text) {
    return Fields(Operations().PlanDevices(FromText<v1::PlanDevicesRequest>(text)).status());
  };
  EXPECT_THAT(fields("offline { target { cpus: '3' } options { deadline {} } }"),
              ElementsAre("options.deadline"));
  const auto smt = FromText<v1::SetSmtRequest>(
      "control: SMT_CONTROL_OFF options { group: GROUP_MODE_ALL_OR_NOTHING }");
  EXPECT_THAT(Fields(Operations().SetSmt(smt).status()), ElementsAre("options.group"));
}

TEST_F(LocalDeviceOperationsTest, APlanNeedsAChange) {
  EXPECT_THAT(Fields(Operations().PlanDevices({}).status()), ElementsAre("change"));
}

TEST_F(LocalDeviceOperationsTest, APlanIsCarriedOutOnlyWhileNothingHasChanged) {
  const std::string target = "target { cpus: '3' }";
  const auto with = [&](const v1::PlanStamp& stamp) {
    v1::OfflineDevicesRequest request = FromText<v1::OfflineDevicesRequest>(target);
    *request.mutable_options()->mutable_plan() = stamp;
    return Operations().OfflineDevices(request).status();
  };
  const v1::PlanStamp stamp = Plan("offline { " + target + " }").stamp();
  v1::PlanStamp other_boot = stamp;
  other_boot.set_boot_id("boot-0");
  EXPECT_EQ(ErrorReason(with(other_boot)), "STALE_PLAN");
  EXPECT_TRUE(absl::IsAborted(with(other_boot)));
  fake.SwitchBehindOurBack(2, false);
  EXPECT_EQ(ErrorReason(with(stamp)), "STALE_PLAN");
  EXPECT_THAT(fake.writes(), IsEmpty());
  fake.SwitchBehindOurBack(2, true);
  EXPECT_TRUE(with(stamp).ok());
}

TEST_F(LocalDeviceOperationsTest, ADeviceThatVanishesAfterThePlanIsNamed) {
  const v1::PlanStamp stamp = Plan("offline { target { device: 'cpu3' } }").stamp();
  fake.RemoveCpu(3);
  v1::OfflineDevicesRequest request =
      FromText<v1::OfflineDevicesRequest>("target { device: 'cpu3' }");
  *request.mutable_options()->mutable_plan() = stamp;
  EXPECT_EQ(ErrorReason(Operations().OfflineDevices(request).status()), "STALE_PLAN");
  EXPECT_EQ(ErrorReason(Online("target { device: 'cpu3' }").status()), "DEVICE_NOT_FOUND");
}

TEST_F(LocalDeviceOperationsTest, ExplainsWhoWantsItSo) {
  KeepOffline("3");
  fake.SwitchBehindOurBack(3, false);
  const v1::ExplainDeviceResponse explanation = Explain("cpu3");
  EXPECT_EQ(explanation.device().state(), v1::DEVICE_STATE_OFFLINE);
  ASSERT_THAT(explanation.influences(), SizeIs(1));
  EXPECT_EQ(explanation.influences(0).source(), "policy/park");
  EXPECT_EQ(explanation.influences(0).wants(), v1::DEVICE_STATE_OFFLINE);
  EXPECT_THAT(Reasons(explanation.online_obstacles()), ElementsAre("HELD_BY_SPEC"));
  EXPECT_THAT(explanation.summary(), HasSubstr("cpu3 is offline; policy/park"));
}

TEST_F(LocalDeviceOperationsTest, ExplainsThatADriverHasParkedIt) {
  fake.SwitchBehindOurBack(3, false);
  v1::AgentState state = host->state();
  (*state.mutable_builtin_drivers())["load"].set_running(true);
  (*state.mutable_builtin_drivers())["load"].set_parked_cpus("2-3");
  ASSERT_TRUE(host->SaveState(state).ok());
  const v1::ExplainDeviceResponse explanation = Explain("cpu3");
  ASSERT_THAT(explanation.influences(), SizeIs(1));
  EXPECT_EQ(explanation.influences(0).source(), "driver/load");
  EXPECT_EQ(explanation.influences(0).wants(), v1::DEVICE_STATE_OFFLINE);
  EXPECT_THAT(explanation.summary(),
              HasSubstr("cpu3 is offline; driver/load: the driver load has"));
  EXPECT_THAT(Explain("cpu1").influences(), IsEmpty());
}

TEST_F(LocalDeviceOperationsTest, ExplainsWhatStopsAChange) {
  const v1::ExplainDeviceResponse fixed = Explain("cpu0");
  EXPECT_THAT(Reasons(fixed.offline_obstacles()), ElementsAre("NOT_HOTPLUGGABLE"));
  EXPECT_EQ(fixed.influences(0).source(), "kernel");
  EXPECT_THAT(Explain("cpu2").offline_obstacles(), IsEmpty());
  EXPECT_THAT(Explain("cpu2").summary(), HasSubstr("nothing in Hotplugger has a say"));
}

class ContainerTest : public LocalDeviceOperationsTest {
 protected:
  ContainerTest() : LocalDeviceOperationsTest({.containers = {{"container/c0", {"cpu3"}}}}) {}
};

TEST_F(ContainerTest, AnOnlineChildShowsInPlanAndExplanation) {
  const auto plan = *Operations().PlanDevices(
      FromText<v1::PlanDevicesRequest>("offline { target { device: 'container/c0' } }"));
  EXPECT_THAT(Reasons(plan.plan().steps()), ElementsAre("CHILD_ONLINE"));
  EXPECT_THAT(Reasons(Explain("container/c0").offline_obstacles()), ElementsAre("CHILD_ONLINE"));
  EXPECT_THAT(Explain("container/c0").online_obstacles(), IsEmpty());
}

TEST_F(LocalDeviceOperationsTest, ExplainsThatTheKernelRefusedForGood) {
  fake.FailCpu(3, EOPNOTSUPP);
  EXPECT_FALSE(Offline("target { device: 'cpu3' }").ok());
  EXPECT_THAT(Reasons(Explain("cpu3").offline_obstacles()), ElementsAre("OFFLINE_UNSUPPORTED"));
  EXPECT_THAT(Explain("cpu3").online_obstacles(), IsEmpty());
}

TEST_F(LocalDeviceOperationsTest, ExplainsWithTheLatestOperations) {
  ASSERT_TRUE(Offline("target { device: 'cpu3' }").ok());
  fake.FailCpu(3, EIO);
  EXPECT_FALSE(Online("target { device: 'cpu3' }").ok());
  const v1::ExplainDeviceResponse explanation = Explain("cpu3");
  ASSERT_GE(explanation.operations_size(), 2);
  EXPECT_EQ(explanation.operations(0).wanted(), v1::DEVICE_STATE_ONLINE);
  EXPECT_EQ(explanation.operations(0).result().reason(), "BRING_UP_FAILED");
}

TEST_F(LocalDeviceOperationsTest, AnUnknownDeviceCannotBeExplained) {
  v1::ExplainDeviceRequest request;
  request.set_device("cpu77");
  EXPECT_EQ(ErrorReason(Operations().ExplainDevice(request).status()), "DEVICE_NOT_FOUND");
}

}  // namespace
}  // namespace hotplugger::agent
