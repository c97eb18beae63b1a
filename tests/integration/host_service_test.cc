// HostService over a real unix socket.
#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <thread>

#include "absl/synchronization/notification.h"
#include "common/error_info.h"
#include "hotplugger/v1/host_service.grpc.pb.h"
#include "tests/integration/fleet_fixture.h"

namespace hotplugger {
namespace {

class HostServiceTest : public FleetTest {
 protected:
  HostServiceTest() : node_(AddNode("alpha", {})) {
    stub_ = v1::HostService::NewStub(grpc::CreateChannel("unix:" + node_.state.Path("agent.sock"),
                                                         grpc::InsecureChannelCredentials()));
  }

  absl::StatusOr<v1::OfflineDevicesResponse> Offline(const std::string& device) {
    v1::OfflineDevicesRequest request;
    request.mutable_target()->set_device(device);
    return Call<v1::OfflineDevicesResponse>([&](auto* context, auto* answer) {
      return stub_->OfflineDevices(context, request, answer);
    });
  }

  TestNode& node_;
  std::unique_ptr<v1::HostService::Stub> stub_;
};

TEST_F(HostServiceTest, TakesACpuOffline) {
  const auto response = Offline("cpu3");
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->results(0).outcome(), v1::OUTCOME_CHANGED);
  EXPECT_EQ(node_.host.online(), (CpuSet{0, 1, 2}));
}

TEST_F(HostServiceTest, ErrorsCarryTheirReason) {
  EXPECT_EQ(ErrorReason(Offline("cpu0").status()), "NOT_HOTPLUGGABLE");
  EXPECT_EQ(ErrorReason(Offline("cpu99").status()), "DEVICE_NOT_FOUND");
  EXPECT_EQ(ErrorReason(Offline("../cpu1").status()), "BAD_DEVICE_NAME");
}

TEST_F(HostServiceTest, ALocalChangeIsSeenByTheController) {
  ASSERT_TRUE(EventuallyOnline("alpha", "0-3"));
  ASSERT_TRUE(Offline("cpu3").ok());
  EXPECT_TRUE(EventuallyOnline("alpha", "0-2"));
}

TEST_F(HostServiceTest, ReadsPlansAndExplains) {
  v1::ListDevicesRequest list;
  list.add_kinds(v1::DEVICE_KIND_CPU);
  const auto devices = Call<v1::ListDevicesResponse>(
      [&](auto* context, auto* answer) { return stub_->ListDevices(context, list, answer); });
  ASSERT_TRUE(devices.ok()) << devices.status();
  EXPECT_EQ(devices->devices_size(), 4);
  EXPECT_EQ(devices->cpus_online(), "0-3");

  v1::PlanDevicesRequest plan;
  plan.mutable_offline()->mutable_target()->set_cpus("0,3");
  const auto planned = Call<v1::PlanDevicesResponse>(
      [&](auto* context, auto* answer) { return stub_->PlanDevices(context, plan, answer); });
  ASSERT_TRUE(planned.ok()) << planned.status();
  EXPECT_EQ(planned->plan().steps_size(), 2);
  EXPECT_EQ(planned->plan().after().cpus(), 3);
  EXPECT_TRUE(node_.host.writes().empty());

  v1::ExplainDeviceRequest explain;
  explain.set_device("cpu0");
  const auto explained = Call<v1::ExplainDeviceResponse>(
      [&](auto* context, auto* answer) { return stub_->ExplainDevice(context, explain, answer); });
  ASSERT_TRUE(explained.ok()) << explained.status();
  EXPECT_EQ(explained->offline_obstacles(0).reason(), "NOT_HOTPLUGGABLE");
}

// Reads until `name` is told with `state`; false where the stream ends before.
bool ReadUntil(grpc::ClientReader<v1::WatchDevicesResponse>& reader, const std::string& name,
               v1::DeviceState state) {
  v1::WatchDevicesResponse news;
  while (reader.Read(&news)) {
    for (const v1::Device& device : news.devices()) {
      if (device.name() == name && device.state() == state) return true;
    }
  }
  return false;
}

TEST_F(HostServiceTest, AWatchTellsAllThenChangesUntilItIsCancelled) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
  context.set_wait_for_ready(true);
  const auto reader = stub_->WatchDevices(&context, {});
  EXPECT_TRUE(ReadUntil(*reader, "cpu3", v1::DEVICE_STATE_ONLINE));
  ASSERT_TRUE(Offline("cpu3").ok());
  EXPECT_TRUE(ReadUntil(*reader, "cpu3", v1::DEVICE_STATE_OFFLINE));
  // Somebody else's change, as a uevent tells it.
  node_.host.SwitchBehindOurBack(3, true);
  node_.agent->HostChanged();
  EXPECT_TRUE(ReadUntil(*reader, "cpu3", v1::DEVICE_STATE_ONLINE));
  context.TryCancel();
  EXPECT_FALSE(ReadUntil(*reader, "cpu3", v1::DEVICE_STATE_OFFLINE));
  EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::CANCELLED);
}

TEST_F(HostServiceTest, AnAgentStopsThoughSomebodyWatches) {
  grpc::ClientContext context;
  context.set_wait_for_ready(true);
  const auto reader = stub_->WatchDevices(&context, {});
  EXPECT_TRUE(ReadUntil(*reader, "cpu3", v1::DEVICE_STATE_ONLINE));
  node_.agent->Stop();
  EXPECT_FALSE(ReadUntil(*reader, "cpu3", v1::DEVICE_STATE_OFFLINE));
  EXPECT_FALSE(reader->Finish().ok());
}

TEST_F(HostServiceTest, AChangeWhoseCallerHasGoneBeforeItsTurnIsNotBegun) {
  // The first change takes its time; the second one's caller leaves while it waits.
  absl::Notification begun;
  absl::Notification go_on;
  node_.host.SetHooks(
      [&](const std::string& write) {
        if (write != "cpu3=0") return;
        begun.Notify();
        go_on.WaitForNotification();
      },
      [](const std::string&) {});
  std::thread first([this] { EXPECT_TRUE(Offline("cpu3").ok()); });
  begun.WaitForNotification();
  v1::OfflineDevicesRequest request;
  request.mutable_target()->set_device("cpu2");
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::milliseconds(200));
  v1::OfflineDevicesResponse response;
  EXPECT_EQ(stub_->OfflineDevices(&context, request, &response).error_code(),
            grpc::StatusCode::DEADLINE_EXCEEDED);
  // On the same connection, so the agent learns of the end before it answers all these.
  v1::GetDeviceRequest question;
  question.set_device("cpu1");
  for (int i = 0; i < 50; ++i) {
    EXPECT_TRUE(Call<v1::Device>([&](auto* call, auto* answer) {
                  return stub_->GetDevice(call, question, answer);
                }).ok());
  }
  go_on.Notify();
  first.join();
  // Behind it in the queue: once this is answered, its turn has come and gone.
  ASSERT_TRUE(Offline("cpu1").ok());
  EXPECT_EQ(node_.host.online(), (CpuSet{0, 2}));
}

TEST_F(HostServiceTest, OnlyOwnerAndGroupMayConnect) {
  struct stat info = {};
  ASSERT_EQ(stat(node_.state.Path("agent.sock").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0660U);
}

TEST_F(HostServiceTest, ASecondAgentOnTheSameStateIsRefused) {
  agent::AgentOptions options;
  options.node = "alpha";
  options.state_dir = node_.state.path();
  options.socket = node_.state.Path("agent.sock");
  options.sysroot = node_.host.root();
  options.config = config_;
  EXPECT_EQ(ErrorReason(agent::Agent::Create(options).status()), "STATE_DIR_IN_USE");
  EXPECT_TRUE(Offline("cpu3").ok());
}

}  // namespace
}  // namespace hotplugger
