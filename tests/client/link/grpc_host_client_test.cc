// The client of HostService over a real unix socket: sizes, deadlines, watches.
#include <gmock/gmock.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <new>
#include <thread>

#include "client/link/grpc_connector.h"
#include "common/error_info.h"
#include "hotplugger/v1/host_service.grpc.pb.h"
#include "tests/fakes/temp_dir.h"

namespace hotplugger::client {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Writes "first", "second", then goes on until cancelled, or ends where it is told to.
class FakeWatch final : public grpc::ServerWriteReactor<v1::WatchDevicesResponse> {
 public:
  explicit FakeWatch(bool end) : end_(end) { WriteNext(); }

  void OnWriteDone(bool ok) noexcept override {
    if (ok) WriteNext();
  }
  void OnCancel() noexcept override {
    if (!end_) Finish(grpc::Status::CANCELLED);
  }
  void OnDone() noexcept override { delete this; }

 private:
  void WriteNext() {
    static constexpr const char* names[] = {"first", "second"};
    if (written_ < 2) {
      response_.Clear();
      response_.add_devices()->set_name(names[written_++]);
      StartWrite(&response_);
    } else if (end_) {
      Finish(grpc::Status::OK);
    }
  }

  const bool end_;
  int written_ = 0;
  v1::WatchDevicesResponse response_;
};

class FakeHostService final : public v1::HostService::CallbackService {
 public:
  grpc::ServerUnaryReactor* ListDevices(grpc::CallbackServerContext* context,
                                        const v1::ListDevicesRequest* /*request*/,
                                        v1::ListDevicesResponse* response) noexcept override {
    response->add_warnings(std::string(static_cast<size_t>(answer_bytes), 'x'));
    return Answer(context);
  }
  grpc::ServerUnaryReactor* OfflineDevices(
      grpc::CallbackServerContext* context, const v1::OfflineDevicesRequest* /*request*/,
      v1::OfflineDevicesResponse* /*response*/) noexcept override {
    return Answer(context);
  }
  grpc::ServerUnaryReactor* OnlineDevices(
      grpc::CallbackServerContext* context, const v1::OnlineDevicesRequest* /*request*/,
      v1::OnlineDevicesResponse* /*response*/) noexcept override {
    return Answer(context);
  }
  grpc::ServerUnaryReactor* SetSmt(grpc::CallbackServerContext* context,
                                   const v1::SetSmtRequest* /*request*/,
                                   v1::SetSmtResponse* /*response*/) noexcept override {
    return Answer(context);
  }
  grpc::ServerUnaryReactor* EnableDriver(grpc::CallbackServerContext* context,
                                         const v1::EnableDriverRequest* /*request*/,
                                         v1::EnableDriverResponse* /*response*/) noexcept override {
    return Answer(context);
  }
  grpc::ServerUnaryReactor* DisableDriver(
      grpc::CallbackServerContext* context, const v1::DisableDriverRequest* /*request*/,
      v1::DisableDriverResponse* /*response*/) noexcept override {
    return Answer(context);
  }
  grpc::ServerUnaryReactor* SwitchDrivers(
      grpc::CallbackServerContext* context, const v1::SwitchDriversRequest* /*request*/,
      v1::SwitchDriversResponse* /*response*/) noexcept override {
    return Answer(context);
  }
  grpc::ServerUnaryReactor* RegisterDriver(
      grpc::CallbackServerContext* context, const v1::RegisterDriverRequest* /*request*/,
      v1::RegisterDriverResponse* /*response*/) noexcept override {
    return Answer(context);
  }
  grpc::ServerUnaryReactor* UnregisterDriver(
      grpc::CallbackServerContext* context, const v1::UnregisterDriverRequest* /*request*/,
      v1::UnregisterDriverResponse* /*response*/) noexcept override {
    return Answer(context);
  }
  grpc::ServerUnaryReactor* SetSwitching(grpc::CallbackServerContext* context,
                                         const v1::SetSwitchingRequest* /*request*/,
                                         v1::SetSwitchingResponse* /*response*/) noexcept override {
    return Answer(context);
  }
  grpc::ServerUnaryReactor* ListDrivers(grpc::CallbackServerContext* context,
                                        const v1::ListDriversRequest* /*request*/,
                                        v1::ListDriversResponse* /*response*/) noexcept override {
    return Answer(context);
  }
  grpc::ServerWriteReactor<v1::WatchDevicesResponse>* WatchDevices(
      grpc::CallbackServerContext* /*context*/,
      const v1::WatchDevicesRequest* /*request*/) noexcept override {
    return new (std::nothrow) FakeWatch(end_watch);
  }

  int answer_bytes = 0;
  bool end_watch = false;
  // What the last call had left of its time.
  std::atomic<double> seconds_left = 0;

 private:
  grpc::ServerUnaryReactor* Answer(grpc::CallbackServerContext* context) {
    seconds_left =
        std::chrono::duration<double>(context->deadline() - std::chrono::system_clock::now())
            .count();
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }
};

class GrpcHostClientTest : public ::testing::Test {
 protected:
  void SetUp() override {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("unix:" + socket_, grpc::InsecureServerCredentials());
    builder.RegisterService(&service_);
    server_ = builder.BuildAndStart();
    ASSERT_NE(server_, nullptr);
    client_ = Connect(socket_);
  }
  void TearDown() override {
    client_.reset();
    server_->Shutdown();
  }

  static std::unique_ptr<HostClient> Connect(const std::string& socket) {
    auto client = MakeGrpcConnector()->ConnectHost({socket, absl::Seconds(60)});
    EXPECT_TRUE(client.ok()) << client.status();
    return *std::move(client);
  }

  // Watches, and keeps the names that come; `on_name` says whether to go on.
  absl::Status Watch(const std::function<bool(const std::string&)>& on_name,
                     std::stop_token stop = {}) {
    return client_->WatchDevices(
        {},
        [&](const v1::WatchDevicesResponse& change) {
          names_.push_back(change.devices(0).name());
          return on_name(names_.back());
        },
        std::move(stop));
  }

  const hotplugger::testing::TempDir folder_;
  const std::string socket_ = folder_.Path("agent.sock");
  FakeHostService service_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<HostClient> client_;
  std::vector<std::string> names_;
};

TEST_F(GrpcHostClientTest, TakesTheInventoryOfALargeHost) {
  // gRPC's own limit is 4 MiB.
  service_.answer_bytes = (16 << 20) - 1024;
  const auto largest = client_->ListDevices({});
  EXPECT_TRUE(largest.ok()) << largest.status();
  service_.answer_bytes = 16 << 20;
  EXPECT_EQ(client_->ListDevices({}).status().code(), absl::StatusCode::kResourceExhausted);
}

TEST_F(GrpcHostClientTest, ChangesHaveAnHourOnTopOfTheirDeadline) {
  v1::ChangeOptions options;
  options.mutable_deadline()->set_seconds(30 * 60);
  v1::OfflineDevicesRequest offline;
  *offline.mutable_options() = options;
  v1::OnlineDevicesRequest online;
  *online.mutable_options() = options;
  v1::SetSmtRequest smt;
  *smt.mutable_options() = options;
  const std::vector<std::function<absl::Status()>> calls = {
      [&] { return client_->OfflineDevices(offline).status(); },
      [&] { return client_->OnlineDevices(online).status(); },
      [&] { return client_->SetSmt(smt).status(); },
  };
  for (const auto& call : calls) {
    ASSERT_TRUE(call().ok());
    // gRPC rounds long times up on the wire.
    EXPECT_LE(service_.seconds_left, 90 * 60 + 30);
    EXPECT_GT(service_.seconds_left, 85 * 60);
  }
  // Without one the agent takes a minute for each device.
  ASSERT_TRUE(client_->OfflineDevices({}).ok());
  EXPECT_LE(service_.seconds_left, 61 * 60 + 30);
  EXPECT_GT(service_.seconds_left, 60 * 60);
  ASSERT_TRUE(client_->ListDevices({}).ok());
  EXPECT_LE(service_.seconds_left, 61);
}

TEST_F(GrpcHostClientTest, ChangesOfDriversHaveAnHourOnTopOfTheSwitchsOwnLimit) {
  const std::vector<std::function<absl::Status()>> calls = {
      [&] { return client_->EnableDriver({}).status(); },
      [&] { return client_->DisableDriver({}).status(); },
      [&] { return client_->SwitchDrivers({}).status(); },
      [&] { return client_->RegisterDriver({}).status(); },
      [&] { return client_->UnregisterDriver({}).status(); },
      [&] { return client_->SetSwitching({}).status(); },
  };
  for (const auto& call : calls) {
    service_.seconds_left = 0;
    ASSERT_TRUE(call().ok());
    EXPECT_LE(service_.seconds_left, 61 * 60 + 30);
    EXPECT_GT(service_.seconds_left, 60 * 60);
  }
  ASSERT_TRUE(client_->ListDrivers({}).ok());
  EXPECT_LE(service_.seconds_left, 61);
}

TEST_F(GrpcHostClientTest, AWatchEndsWhereItsReaderHasEnough) {
  EXPECT_TRUE(Watch([](const std::string&) { return false; }).ok());
  EXPECT_THAT(names_, ElementsAre("first"));
}

TEST_F(GrpcHostClientTest, AWatchThatWaitsEndsAtAStop) {
  std::stop_source source;
  std::promise<void> all_came;
  std::thread stopper([&] {
    all_came.get_future().wait();
    source.request_stop();
  });
  const absl::Status status = Watch(
      [&](const std::string& name) {
        if (name == "second") all_came.set_value();
        return true;
      },
      source.get_token());
  stopper.join();
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_THAT(names_, ElementsAre("first", "second"));
}

TEST_F(GrpcHostClientTest, AStopBeforeTheWatchEndsItAtOnce) {
  std::stop_source source;
  source.request_stop();
  EXPECT_TRUE(Watch([](const std::string&) { return true; }, source.get_token()).ok());
}

TEST_F(GrpcHostClientTest, AWatchThatTheAgentEndsIsAnError) {
  service_.end_watch = true;
  const absl::Status status = Watch([](const std::string&) { return true; });
  EXPECT_EQ(ErrorReason(status), "WATCH_ENDED");
  EXPECT_THAT(std::string(status.message()), HasSubstr(socket_));
  EXPECT_THAT(names_, ElementsAre("first", "second"));
}

TEST_F(GrpcHostClientTest, AWatchOfNobodySaysSo) {
  client_ = Connect(socket_ + ".nobody");
  const absl::Status status = Watch([](const std::string&) { return true; });
  EXPECT_EQ(ErrorReason(status), "UNREACHABLE");
}

}  // namespace
}  // namespace hotplugger::client
