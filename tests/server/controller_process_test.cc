// The real program, killed with SIGKILL: what was answered must be there when it is back.
#include <fcntl.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/inotify.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <map>

#include "absl/strings/str_cat.h"
#include "hotplugger/v1/link_service.grpc.pb.h"
#include "hotplugger/v1/policy_service.grpc.pb.h"
#include "tests/fakes/proto_text.h"
#include "tests/fakes/temp_dir.h"

namespace hotplugger::server {
namespace {

using testing::FromText;

// One run of hotplugger-controller.
class ControllerProcess {
 public:
  explicit ControllerProcess(const testing::TempDir& directory) {
    directory.Remove("ports");
    // Watched before the start, so that the file can't appear unseen.
    const int watch = inotify_init1(IN_CLOEXEC);
    inotify_add_watch(watch, directory.path().c_str(), IN_MOVED_TO);
    std::vector<std::string> arguments = {HOTPLUGGER_BIN_DIR "/hotplugger-controller",
                                          "--listen=127.0.0.1:0", "--metrics-listen=127.0.0.1:0",
                                          absl::StrCat("--store=sqlite:", directory.Path("c.db")),
                                          absl::StrCat("--port-file=", directory.Path("ports"))};
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    EXPECT_EQ(posix_spawn(&pid_, argv[0], nullptr, nullptr, argv.data(), environ), 0);
    // The ports file is the only file that is renamed into place.
    pollfd events{watch, POLLIN, 0};
    EXPECT_EQ(poll(&events, 1, 60'000), 1) << "the controller does not serve";
    close(watch);
    std::ifstream ports(directory.Path("ports"));
    for (std::string line; std::getline(ports, line);) {
      const size_t equals = line.find('=');
      ports_[line.substr(0, equals)] = line.substr(equals + 1);
    }
    channel_ = grpc::CreateChannel(absl::StrCat("127.0.0.1:", ports_["grpc"]),
                                   grpc::InsecureChannelCredentials());
  }
  ~ControllerProcess() {
    if (pid_ > 0) End(SIGKILL);
  }

  // The status that waitpid gives.
  int End(int signal) {
    int status = 0;
    kill(pid_, signal);
    EXPECT_EQ(waitpid(pid_, &status, 0), pid_);
    pid_ = -1;
    return status;
  }

  const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }

 private:
  pid_t pid_ = -1;
  std::map<std::string, std::string> ports_;
  std::shared_ptr<grpc::Channel> channel_;
};

// The epoch that an agent is told.
uint64_t Epoch(const ControllerProcess& controller) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
  auto stream = v1::LinkService::NewStub(controller.channel())->Connect(&context);
  stream->Write(FromText<v1::AgentMessage>(R"(hello {node: "n1" boot_id: "b"})"));
  v1::ControllerMessage message;
  EXPECT_TRUE(stream->Read(&message));
  context.TryCancel();
  stream->Finish();
  return message.epoch();
}

TEST(ControllerProcessTest, KilledAfterAnAnswerItStillHasThePolicy) {
  const testing::TempDir directory;
  uint64_t epoch = 0;
  for (int round = 1; round <= 3; ++round) {
    ControllerProcess controller(directory);
    const uint64_t next = Epoch(controller);
    EXPECT_EQ(next, epoch + 1);
    epoch = next;
    auto stub = v1::PolicyService::NewStub(controller.channel());
    v1::ListPoliciesResponse policies;
    {
      grpc::ClientContext context;
      context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
      ASSERT_TRUE(stub->ListPolicies(&context, v1::ListPoliciesRequest(), &policies).ok());
    }
    EXPECT_EQ(policies.policies_size(), round - 1);
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
    v1::ApplyPolicyRequest request;
    *request.mutable_policy() = FromText<v1::Policy>(
        absl::StrCat("name: \"p", round, "\" selector {nodes: \"n9\"} cpu {offline: \"1\"}"));
    v1::ApplyPolicyResponse response;
    const grpc::Status applied = stub->ApplyPolicy(&context, request, &response);
    controller.End(SIGKILL);
    ASSERT_TRUE(applied.ok()) << applied.error_message();
  }
}

TEST(ControllerProcessTest, SigtermEndsItCleanly) {
  const testing::TempDir directory;
  ControllerProcess controller(directory);
  const int status = controller.End(SIGTERM);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace hotplugger::server
