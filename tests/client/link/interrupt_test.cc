// What SIGINT does to the program itself: it ends a watch as a success, an operation on nodes with
// what came, and any other verb at once.
#include <gmock/gmock.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <future>
#include <new>

#include "hotplugger/v1/fleet_service.grpc.pb.h"
#include "hotplugger/v1/host_service.grpc.pb.h"
#include "tests/fakes/temp_dir.h"

namespace hotplugger::client {
namespace {

using ::testing::HasSubstr;

// Never answers.
class SilentCall final : public grpc::ServerUnaryReactor {
 public:
  void OnCancel() noexcept override { Finish(grpc::Status::CANCELLED); }
  void OnDone() noexcept override { delete this; }
};

// Answers once, then waits.
class OneChange final : public grpc::ServerWriteReactor<v1::WatchDevicesResponse> {
 public:
  OneChange() {
    response_.add_devices()->set_name("cpu3");
    StartWrite(&response_);
  }
  void OnCancel() noexcept override { Finish(grpc::Status::CANCELLED); }
  void OnDone() noexcept override { delete this; }

 private:
  v1::WatchDevicesResponse response_;
};

class SilentHostService final : public v1::HostService::CallbackService {
 public:
  grpc::ServerUnaryReactor* ListDevices(grpc::CallbackServerContext* /*context*/,
                                        const v1::ListDevicesRequest* /*request*/,
                                        v1::ListDevicesResponse* /*response*/) noexcept override {
    called.set_value();
    return new (std::nothrow) SilentCall;
  }
  grpc::ServerWriteReactor<v1::WatchDevicesResponse>* WatchDevices(
      grpc::CallbackServerContext* /*context*/,
      const v1::WatchDevicesRequest* /*request*/) noexcept override {
    return new (std::nothrow) OneChange;
  }

  std::promise<void> called;
};

// Answers for one node, then waits.
class OneAnswer final : public grpc::ServerWriteReactor<v1::OperateNodesResponse> {
 public:
  OneAnswer() {
    answer_.set_node("alpha");
    StartWrite(&answer_);
  }
  void OnCancel() noexcept override { Finish(grpc::Status::CANCELLED); }
  void OnDone() noexcept override { delete this; }

 private:
  v1::OperateNodesResponse answer_;
};

class SilentFleetService final : public v1::FleetService::CallbackService {
 public:
  grpc::ServerWriteReactor<v1::OperateNodesResponse>* OperateNodes(
      grpc::CallbackServerContext* /*context*/,
      const v1::OperateNodesRequest* /*request*/) noexcept override {
    return new (std::nothrow) OneAnswer;
  }
};

class InterruptTest : public ::testing::Test {
 protected:
  void SetUp() override {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("unix:" + socket_, grpc::InsecureServerCredentials());
    builder.RegisterService(&service_);
    builder.RegisterService(&fleet_);
    server_ = builder.BuildAndStart();
    ASSERT_NE(server_, nullptr);
    ASSERT_EQ(pipe(output_), 0);
  }
  void TearDown() override {
    close(output_[0]);
    server_->Shutdown();
  }

  // Starts hotplugctl with its standard output in the pipe.
  void Start(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "hotplugctl");
    std::vector<char*> argv;
    argv.reserve(arguments.size() + 1);
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, output_[1], STDOUT_FILENO);
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    // Whoever runs the tests may ignore it.
    sigset_t defaults;
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGINT);
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
    ASSERT_EQ(posix_spawn(&process_, HOTPLUGGER_BIN_DIR "/hotplugctl", &files, &attributes,
                          argv.data(), environ),
              0);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
    close(output_[1]);
  }

  // What comes until the end of a line, or of the output.
  std::string ReadLine() {
    std::string line;
    for (char c = 0; c != '\n' && read(output_[0], &c, 1) == 1;) line.push_back(c);
    return line;
  }

  // As waitpid has it.
  int Interrupt() {
    int status = 0;
    EXPECT_EQ(kill(process_, SIGINT), 0);
    EXPECT_EQ(waitpid(process_, &status, 0), process_);
    return status;
  }

  const hotplugger::testing::TempDir folder_;
  const std::string socket_ = folder_.Path("agent.sock");
  SilentHostService service_;
  SilentFleetService fleet_;
  std::unique_ptr<grpc::Server> server_;
  int output_[2] = {-1, -1};
  pid_t process_ = -1;
};

TEST_F(InterruptTest, EndsAWatchAsASuccess) {
  Start({"--host", "--socket", socket_, "watch", "--initial"});
  EXPECT_THAT(ReadLine(), HasSubstr(" cpu3 unknown\n"));
  const int status = Interrupt();
  ASSERT_TRUE(WIFEXITED(status)) << status;
  EXPECT_EQ(WEXITSTATUS(status), 0);
  EXPECT_EQ(ReadLine(), "");
}

TEST_F(InterruptTest, EndsAnOperationOnNodesWithWhatCame) {
  Start({"--controller", "unix:" + socket_, "switching", "off", "-n", "alpha", "-o", "json"});
  EXPECT_THAT(ReadLine(), HasSubstr("\"node\":\"alpha\""));
  const int status = Interrupt();
  ASSERT_TRUE(WIFEXITED(status)) << status;
  EXPECT_EQ(WEXITSTATUS(status), 1);
}

TEST_F(InterruptTest, EndsAnyOtherVerbAtOnce) {
  Start({"--host", "--socket", socket_, "devices"});
  service_.called.get_future().wait();
  const int status = Interrupt();
  ASSERT_TRUE(WIFSIGNALED(status)) << status;
  EXPECT_EQ(WTERMSIG(status), SIGINT);
}

}  // namespace
}  // namespace hotplugger::client
