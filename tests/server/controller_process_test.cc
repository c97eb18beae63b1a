// The real program, killed with SIGKILL: what was answered must be there when it is back.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sqlite3.h>
#include <sys/inotify.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <map>
#include <random>
#include <thread>

#include "absl/strings/str_cat.h"
#include "common/error_info.h"
#include "common/transport/grpc_status.h"
#include "hotplugger/v1/audit_service.grpc.pb.h"
#include "hotplugger/v1/link_service.grpc.pb.h"
#include "hotplugger/v1/policy_service.grpc.pb.h"
#include "tests/fakes/proto_text.h"
#include "tests/fakes/temp_dir.h"

namespace hotplugger::server {
namespace {

using testing::FromText;
using ::testing::HasSubstr;

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

// Writes one policy again and again, each time with another content and a request_id of its own.
class Writer {
 public:
  // The write of number `last() + 1`, or the one that was not answered, again.
  grpc::Status Write(const ControllerProcess& controller) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
    v1::ApplyPolicyRequest request;
    *request.mutable_policy() = FromText<v1::Policy>(absl::StrCat(
        "name: \"p\" selector {nodes: \"n9\"} cpu {offline: \"", 1 + (last_ + 1) % 1000, "\"}"));
    request.set_request_id(absl::StrCat("write-", last_ + 1));
    v1::ApplyPolicyResponse response;
    const grpc::Status status =
        v1::PolicyService::NewStub(controller.channel())->ApplyPolicy(&context, request, &response);
    if (!status.ok()) return status;
    ++last_;
    // Each write is one revision: none is there twice, none is missing.
    EXPECT_EQ(response.policy().revision(), last_);
    EXPECT_TRUE(response.changed());
    return status;
  }
  // So many writes have been answered.
  int64_t last() const { return last_; }

 private:
  int64_t last_ = 0;
};

// What is stored of the policy, which must fit together: the policy, its revisions, the audit log.
int64_t StoredWrites(const ControllerProcess& controller) {
  const auto deadline = std::chrono::system_clock::now() + std::chrono::seconds(30);
  grpc::ClientContext get_context;
  get_context.set_deadline(deadline);
  v1::GetPolicyRequest get;
  get.set_name("p");
  v1::GetPolicyResponse policy;
  auto policies = v1::PolicyService::NewStub(controller.channel());
  if (!policies->GetPolicy(&get_context, get, &policy).ok()) return 0;
  const int64_t revision = policy.policy().revision();
  EXPECT_EQ(policy.policy().cpu().offline(), absl::StrCat(1 + revision % 1000));

  grpc::ClientContext list_context;
  list_context.set_deadline(deadline);
  v1::ListPolicyRevisionsRequest list;
  list.set_name("p");
  v1::ListPolicyRevisionsResponse revisions;
  EXPECT_TRUE(policies->ListPolicyRevisions(&list_context, list, &revisions).ok());
  for (int i = 0; i < revisions.revisions_size(); ++i) {
    EXPECT_EQ(revisions.revisions(i).revision(), revision - i);
  }
  EXPECT_EQ(revisions.revisions_size(), std::min<int64_t>(revision, 20));
  EXPECT_EQ(revisions.revisions(0).etag(), policy.policy().etag());

  grpc::ClientContext audit_context;
  audit_context.set_deadline(deadline);
  v1::ListAuditEntriesRequest last_entry;
  last_entry.set_page_size(1);
  v1::ListAuditEntriesResponse audit;
  EXPECT_TRUE(v1::AuditService::NewStub(controller.channel())
                  ->ListAuditEntries(&audit_context, last_entry, &audit)
                  .ok());
  EXPECT_EQ(audit.entries(0).sequence(), revision) << "an entry for each write";
  EXPECT_EQ(audit.entries(0).request_id(), absl::StrCat("write-", revision));
  return revision;
}

// At random instants, while a client writes: every write that was answered is there, the one that
// was under way is there whole or not at all, and asking again does it once.
TEST(ControllerProcessTest, KilledTwoHundredTimesItLosesDoublesAndHalvesNothing) {
  const testing::TempDir directory;
  Writer writer;
  std::mt19937 random(11);
  int done_unanswered = 0;
  for (int round = 0; round < 200; ++round) {
    ControllerProcess controller(directory);
    const int64_t stored = StoredWrites(controller);
    ASSERT_GE(stored, writer.last()) << "an answered write is lost, in round " << round;
    ASSERT_LE(stored, writer.last() + 1);
    done_unanswered += stored > writer.last();
    // The first time there is nothing to repeat.
    ASSERT_TRUE(writer.Write(controller).ok()) << "a retry";
    std::thread client([&] {
      while (writer.Write(controller).ok()) {
      }
    });
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 20'000));
    controller.End(SIGKILL);
    client.join();
    ASSERT_FALSE(::testing::Test::HasFailure()) << "in round " << round;
  }
  EXPECT_GT(writer.last(), 200);
  // Of 200 writes that a kill has cut off some had been done already.
  std::cout << writer.last() << " writes, " << done_unanswered
            << " of them done and not answered before a kill\n";
}

// A disk of its own, so small that it can be filled.
class SmallDisk {
 public:
  explicit SmallDisk(const std::string& path) : path_(path) {
    mounted_ = mount("tmpfs", path_.c_str(), "tmpfs", 0, "size=1m") == 0;
  }
  ~SmallDisk() {
    if (mounted_) umount2(path_.c_str(), MNT_DETACH);
  }
  bool mounted() const { return mounted_; }
  void Fill() {
    std::ofstream file(path_ + "/filler", std::ios::binary);
    while (file.write(std::string(4096, 'x').data(), 4096).flush()) {
    }
  }
  void Free() { unlink((path_ + "/filler").c_str()); }

 private:
  const std::string path_;
  bool mounted_ = false;
};

TEST(ControllerProcessTest, AFullDiskIsAClearErrorAndLosesNothing) {
  const testing::TempDir directory;
  SmallDisk disk(directory.path());
  if (!disk.mounted()) GTEST_SKIP() << "no file system can be mounted here: " << strerror(errno);
  Writer writer;
  {
    ControllerProcess controller(directory);
    ASSERT_TRUE(writer.Write(controller).ok());
    disk.Fill();
    // The write-ahead log has room for some.
    grpc::Status status = grpc::Status::OK;
    for (int i = 0; i < 1000 && status.ok(); ++i) status = writer.Write(controller);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED) << status.error_message();
    EXPECT_EQ(ErrorReason(FromGrpcStatus(status)), "STORE_FULL");
    EXPECT_EQ(StoredWrites(controller), writer.last()) << "reads still work";
    disk.Free();
    EXPECT_TRUE(writer.Write(controller).ok());
    controller.End(SIGKILL);
  }
  ControllerProcess controller(directory);
  EXPECT_EQ(StoredWrites(controller), writer.last());
}

// What the program says and how it ends where it can't start.
std::string FailedStart(const std::string& store, int* exit_code) {
  const testing::TempDir directory;
  const std::string command =
      absl::StrCat(HOTPLUGGER_BIN_DIR
                   "/hotplugger-controller --listen=127.0.0.1:0 --metrics-listen=127.0.0.1:0"
                   " --store=sqlite:",
                   store, " 2>&1");
  FILE* const out = popen(command.c_str(), "r");
  std::string said;
  char buffer[4096];
  for (size_t n; (n = fread(buffer, 1, sizeof buffer, out)) > 0;) said.append(buffer, n);
  *exit_code = WEXITSTATUS(pclose(out));
  return said;
}

TEST(ControllerProcessTest, AFileThatIsNotOursOrNewerIsLeftAloneAndNamedAtTheStart) {
  const testing::TempDir directory;
  directory.Write("song.db", std::string(5000, 'x'));
  int exit_code = 0;
  std::string said = FailedStart(directory.Path("song.db"), &exit_code);
  EXPECT_NE(exit_code, 0);
  EXPECT_THAT(said, HasSubstr(directory.Path("song.db")));
  EXPECT_EQ(directory.Read("song.db"), std::string(5000, 'x'));

  const std::string newer = directory.Path("newer.db");
  sqlite3* database = nullptr;
  ASSERT_EQ(sqlite3_open(newer.c_str(), &database), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(database,
                         "PRAGMA application_id = 1213221959; PRAGMA user_version = 2; "
                         "CREATE TABLE x (y)",
                         nullptr, nullptr, nullptr),
            SQLITE_OK);
  sqlite3_close(database);
  const std::string content = directory.Read("newer.db");
  said = FailedStart(newer, &exit_code);
  EXPECT_NE(exit_code, 0);
  EXPECT_THAT(said, HasSubstr("schema 2"));
  EXPECT_EQ(directory.Read("newer.db"), content);
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
