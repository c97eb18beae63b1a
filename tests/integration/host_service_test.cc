// HostService over a real unix socket.
#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

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

  absl::StatusOr<v1::OfflineDeviceResponse> Offline(const std::string& device) {
    v1::OfflineDeviceRequest request;
    request.set_device(device);
    return Call<v1::OfflineDeviceResponse>([&](auto* context, auto* answer) {
      return stub_->OfflineDevice(context, request, answer);
    });
  }

  TestNode& node_;
  std::unique_ptr<v1::HostService::Stub> stub_;
};

TEST_F(HostServiceTest, TakesACpuOffline) {
  const auto response = Offline("cpu3");
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->result().outcome(), v1::OUTCOME_CHANGED);
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
  EXPECT_EQ(ErrorReason(agent::Agent::Create(options).status()), "STATE_DIR_IN_USE");
  EXPECT_TRUE(Offline("cpu3").ok());
}

}  // namespace
}  // namespace hotplugger
