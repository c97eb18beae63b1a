// Contexts: their file, their verbs, and whom a command line calls by them.
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/context_file.h"
#include "client/private_file.h"
#include "common/error_info.h"
#include "tests/client/command_line_fixture.h"
#include "tests/fakes/temp_dir.h"

namespace hotplugger::client {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

mode_t ModeOf(const std::string& path) {
  struct stat status {};
  EXPECT_EQ(stat(path.c_str(), &status), 0) << path;
  return status.st_mode & 0777;
}

TEST(ContextFileTest, IsReadBackAsItWasWritten) {
  Contexts contexts;
  contexts.current = "lab";
  contexts.Set({"lab", "10.0.0.1:7443", true, absl::Seconds(30)});
  contexts.Set({"a", "unix:/run/x\"y", false, std::nullopt});
  const std::string text = FormatContexts(contexts);
  EXPECT_EQ(text,
            "current: lab\n"
            "contexts:\n"
            "- name: a\n"
            "  controller: \"unix:/run/x\\\"y\"\n"
            "- name: lab\n"
            "  controller: \"10.0.0.1:7443\"\n"
            "  insecure: true\n"
            "  timeout: \"30s\"\n");
  const auto read = ParseContexts("config.yaml", text);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(FormatContexts(*read), text);
}

TEST(ContextFileTest, AnyAddressIsReadBackAsItWas) {
  Contexts contexts;
  contexts.Set({"a", "x\n\x1b\t\"\\größe", false, std::nullopt});
  const auto read = ParseContexts("config.yaml", FormatContexts(contexts));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->contexts.front().controller, contexts.contexts.front().controller);
}

TEST(ContextFileTest, NothingIsNoContext) {
  const auto read = ParseContexts("config.yaml", "");
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_TRUE(read->contexts.empty());
  const auto empty = ParseContexts("config.yaml", FormatContexts({}));
  EXPECT_TRUE(empty.ok()) << empty.status();
}

TEST(ContextFileTest, TellsEverythingThatIsWrong) {
  const auto read = ParseContexts("c.yaml",
                                  "curent: a\n"
                                  "contexts:\n"
                                  "- name: a b\n"
                                  "  controller: x:1\n"
                                  "- name: c\n"
                                  "  insecure: maybe\n"
                                  "  timeout: 2h\n"
                                  "  token: x\n");
  std::vector<std::string> fields;
  for (const FieldViolation& violation : ErrorFieldViolations(read.status())) {
    fields.push_back(violation.field);
  }
  EXPECT_THAT(fields,
              ElementsAre("c.yaml:1:1: curent", "c.yaml:3:3: contexts[0].name",
                          "c.yaml:6:13: contexts[1].insecure", "c.yaml:7:12: contexts[1].timeout",
                          "c.yaml:8:3: contexts[1].token", "c.yaml:5:3: contexts[1].controller"));
}

// A lock that is not waited for.
class PrivateFileTest : public ::testing::Test {
 protected:
  absl::Status Write(const std::string& path, const std::string& content) {
    const auto lock = LockPrivateFile(path, {clock_, pause_});
    return lock.ok() ? WritePrivateFile(path, content) : lock.status();
  }

  FakeClock clock_;
  const std::function<void(absl::Duration)> pause_ = [this](absl::Duration wait) {
    clock_.Advance(wait);
  };
  const hotplugger::testing::TempDir folder_;
};

TEST_F(PrivateFileTest, IsForItsOwnerAloneAndReplacedWhole) {
  const std::string path = folder_.Path("deep/er/config.yaml");
  const mode_t umask_before = umask(0);
  ASSERT_TRUE(Write(path, "one").ok());
  umask(umask_before);
  EXPECT_EQ(ModeOf(path), 0600u);
  EXPECT_EQ(ModeOf(folder_.Path("deep/er")), 0700u) << "whatever the umask";
  EXPECT_EQ(chmod(path.c_str(), 0644), 0);
  ASSERT_TRUE(Write(path, "two").ok());
  EXPECT_EQ(folder_.Read("deep/er/config.yaml"), "two");
  EXPECT_EQ(ModeOf(path), 0600u);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_.Path("deep/er")), {}), 2)
      << "nothing is left beside it but the lock";
}

TEST_F(PrivateFileTest, WhatAKilledWriterLeftIsReplaced) {
  folder_.Write("config.yaml.new", "half of it");
  ASSERT_TRUE(Write(folder_.Path("config.yaml"), "two").ok());
  EXPECT_FALSE(std::filesystem::exists(folder_.Path("config.yaml.new")));
  // Neither is a link followed that somebody has put there.
  folder_.Write("other", "precious");
  ASSERT_EQ(symlink("other", folder_.Path("config.yaml.new").c_str()), 0);
  ASSERT_TRUE(Write(folder_.Path("config.yaml"), "three").ok());
  EXPECT_EQ(folder_.Read("other"), "precious");
  EXPECT_EQ(folder_.Read("config.yaml"), "three");
}

TEST_F(PrivateFileTest, ALinkStaysOne) {
  folder_.Write("real.yaml", "one");
  ASSERT_EQ(symlink("real.yaml", folder_.Path("link.yaml").c_str()), 0);
  ASSERT_TRUE(Write(folder_.Path("link.yaml"), "two").ok());
  EXPECT_EQ(folder_.Read("real.yaml"), "two");
  EXPECT_TRUE(std::filesystem::is_symlink(folder_.Path("link.yaml")));
}

TEST_F(PrivateFileTest, WhatCantBeWrittenSaysWhy) {
  folder_.Write("file", "x");
  EXPECT_EQ(ErrorReason(Write(folder_.Path("file/config.yaml"), "one")), "ENOTDIR");
}

TEST_F(PrivateFileTest, ALockIsWaitedForButNotForEver) {
  const std::string path = folder_.Path("config.yaml");
  auto held = LockPrivateFile(path, {clock_, pause_});
  ASSERT_TRUE(held.ok()) << held.status();
  const absl::Time begun = clock_.Now();
  const absl::Status late = Write(path, "x");
  EXPECT_EQ(ErrorReason(late), "FILE_LOCKED");
  EXPECT_EQ(clock_.Now() - begun, absl::Seconds(5));
  // One that is let go of meanwhile is had.
  const std::function<void(absl::Duration)> let_go = [&](absl::Duration) { *held = ScopedFd(-1); };
  EXPECT_TRUE(LockPrivateFile(path, {clock_, let_go}).ok());
}

TEST_F(PrivateFileTest, WhatOthersCanWriteIsNotTrusted) {
  const std::string path = folder_.Path("config.yaml");
  EXPECT_TRUE(CheckOnlyOwnerWrites(path).ok()) << "there is none";
  folder_.Write("config.yaml", "");
  EXPECT_EQ(chmod(path.c_str(), 0644), 0);
  EXPECT_TRUE(CheckOnlyOwnerWrites(path).ok());
  EXPECT_EQ(chmod(path.c_str(), 0664), 0);
  const absl::Status by_group = CheckOnlyOwnerWrites(path);
  EXPECT_EQ(ErrorReason(by_group), "UNSAFE_PERMISSIONS");
  EXPECT_THAT(std::string(by_group.message()), HasSubstr("can be written by its group"));
  EXPECT_THAT(std::string(by_group.message()), HasSubstr("chmod go-w " + path));
  EXPECT_EQ(chmod(path.c_str(), 0606), 0);
  EXPECT_THAT(std::string(CheckOnlyOwnerWrites(path).message()),
              HasSubstr("can be written by everybody"));
  EXPECT_EQ(chmod(path.c_str(), 0600), 0);
  EXPECT_EQ(chmod(folder_.path().c_str(), 0777), 0);
  EXPECT_THAT(std::string(CheckOnlyOwnerWrites(path).message()),
              HasSubstr("chmod go-w " + folder_.path()));
  EXPECT_EQ(chmod(folder_.path().c_str(), 01777), 0) << "as /tmp";
  EXPECT_TRUE(CheckOnlyOwnerWrites(path).ok());
  EXPECT_EQ(chmod(folder_.path().c_str(), 0700), 0);
}

TEST_F(PrivateFileTest, ChangesAtOnceLoseNothing) {
  const std::string path = folder_.Path("config.yaml");
  constexpr int kThreads = 8;
  constexpr int kEach = 5;
  std::vector<std::thread> threads;
  std::atomic<int> failures = 0;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      SteadyClock clock;
      const std::function<void(absl::Duration)> pause = [](absl::Duration) {
        std::this_thread::yield();
      };
      for (int i = 0; i < kEach; ++i) {
        const absl::Status status = ContextFile(path).Update(
            [&](Contexts* contexts) {
              contexts->Set({absl::StrCat("c", thread, "-", i), "h:1", false, std::nullopt});
              return absl::OkStatus();
            },
            {clock, pause, absl::Minutes(1)});
        if (!status.ok()) ++failures;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(failures, 0);
  const auto contexts = ContextFile(path).Read();
  ASSERT_TRUE(contexts.ok()) << contexts.status();
  EXPECT_EQ(contexts->contexts.size(), static_cast<size_t>(kThreads * kEach));
}

TEST_F(PrivateFileTest, AChangeThatIsRefusedWritesNothing) {
  folder_.Write("config.yaml", "current: a\n");
  const absl::Status status = ContextFile(folder_.Path("config.yaml"))
                                  .Update(
                                      [](Contexts* contexts) {
                                        contexts->current = "b";
                                        return absl::NotFoundError("no");
                                      },
                                      {clock_, pause_});
  EXPECT_TRUE(absl::IsNotFound(status));
  EXPECT_EQ(folder_.Read("config.yaml"), "current: a\n");
}

class ContextsTest : public CommandLineTest {
 protected:
  void SetUp() override {
    surroundings.variables["HOME"] = folder_.path();
    fleet.list_nodes.Answer(v1::ListNodesResponse());
  }

  // The address that `get nodes` with these flags calls.
  std::string Called(std::vector<std::string> flags = {}) {
    flags.insert(flags.end(), {"get", "nodes"});
    EXPECT_EQ(Run(flags), 0) << err;
    return connector.fleet_targets.empty() ? "" : connector.fleet_targets.back().controller;
  }

  hotplugger::testing::TempDir folder_;
};

TEST_F(ContextsTest, AreMadeChosenChangedAndDeleted) {
  EXPECT_EQ(Run({"config", "set-context", "lab", "--controller", "lab:1", "--insecure"}), 0) << err;
  EXPECT_EQ(out, "context lab made, and current now\n");
  EXPECT_EQ(Run({"config", "set-context", "prod", "--controller", "prod:1"}), 0) << err;
  EXPECT_EQ(out, "context prod made\n");
  EXPECT_EQ(Run({"config", "set-context", "prod", "--timeout", "30s"}), 0);
  EXPECT_EQ(out, "context prod changed\n");
  EXPECT_EQ(Run({"config", "get-contexts"}), 0);
  EXPECT_EQ(out,
            "CURRENT  NAME  CONTROLLER  INSECURE  TIMEOUT\n"
            "*        lab   lab:1       yes       -\n"
            "         prod  prod:1      no        30s\n");
  EXPECT_EQ(Run({"config", "use-context", "prod"}), 0);
  EXPECT_EQ(out, "context prod is current now\n");
  EXPECT_EQ(Run({"config", "get-contexts", "-o", "json"}), 0);
  EXPECT_EQ(out,
            "{\"current\":\"prod\",\"contexts\":[{\"name\":\"lab\",\"controller\":\"lab:1\","
            "\"insecure\":true},{\"name\":\"prod\",\"controller\":\"prod:1\",\"timeout\":\"30s\"}]}"
            "\n");
  EXPECT_EQ(Run({"config", "delete-context", "prod"}), 0);
  EXPECT_EQ(out, "context prod deleted; none is current now\n");
  EXPECT_EQ(Run({"config", "get-contexts", "-o", "name"}), 0);
  EXPECT_EQ(out, "lab\n");
  EXPECT_EQ(ModeOf(folder_.Path(".config/hotplugger/config.yaml")), 0600u);
  EXPECT_THAT(connector.fleet_targets, IsEmpty());
}

TEST_F(ContextsTest, SayWhomToCall) {
  EXPECT_EQ(Called(), "127.0.0.1:7443");
  Run({"config", "set-context", "lab", "--controller", "lab:1", "--insecure", "--timeout", "30s"});
  Run({"config", "set-context", "prod", "--controller", "prod:1"});
  EXPECT_EQ(Called(), "lab:1");
  EXPECT_TRUE(connector.fleet_targets.back().insecure);
  EXPECT_EQ(connector.fleet_targets.back().call_timeout, absl::Seconds(30));
  EXPECT_EQ(Called({"--timeout", "1s"}), "lab:1");
  EXPECT_EQ(connector.fleet_targets.back().call_timeout, absl::Seconds(1));
  EXPECT_EQ(Called({"--context", "prod"}), "prod:1");
  EXPECT_FALSE(connector.fleet_targets.back().insecure);
  EXPECT_EQ(connector.fleet_targets.back().call_timeout, absl::Seconds(10));
}

TEST_F(ContextsTest, ANearerPlaceOutranksThem) {
  Run({"config", "set-context", "lab", "--controller", "lab:1", "--insecure"});
  surroundings.variables["HOTPLUGGER_CONTROLLER"] = "env:1";
  EXPECT_EQ(Called(), "env:1");
  EXPECT_FALSE(connector.fleet_targets.back().insecure) << "it goes with the context's address";
  EXPECT_EQ(Called({"--context", "lab"}), "lab:1");
  EXPECT_EQ(Called({"--context", "lab", "--controller", "flag:1"}), "flag:1");
}

TEST_F(ContextsTest, AnotherFileByVariable) {
  surroundings.variables["HOTPLUGCTL_CONFIG"] = folder_.Path("mine.yaml");
  Run({"config", "set-context", "lab", "--controller", "lab:1"});
  EXPECT_THAT(folder_.Read("mine.yaml"), HasSubstr("lab:1"));
  EXPECT_EQ(Called(), "lab:1");
}

TEST_F(ContextsTest, MistakesSayWhatWouldBeRight) {
  EXPECT_EQ(Run({"config", "use-context", "lab"}), 1);
  EXPECT_THAT(err, HasSubstr("there is no context lab in "));
  EXPECT_THAT(err, HasSubstr(", which has none; `hotplugctl config set-context NAME"));
  EXPECT_EQ(Run({"config", "set-context", "lab"}), 2);
  EXPECT_THAT(err, HasSubstr("--controller: is missing"));
  EXPECT_EQ(Run({"config", "set-context", "a b", "--controller", "x:1"}), 2);
  EXPECT_THAT(err, HasSubstr("reason: BAD_CONTEXT_NAME"));
  Run({"config", "set-context", "lab", "--controller", "lab:1"});
  EXPECT_EQ(Run({"--context", "prod", "get", "nodes"}), 2);
  EXPECT_THAT(err, HasSubstr("which has lab; "));
}

TEST_F(ContextsTest, ABrokenFileMattersOnlyWhereItIsAsked) {
  surroundings.variables["HOTPLUGCTL_CONFIG"] = folder_.Path("mine.yaml");
  folder_.Write("mine.yaml", "contexts: 3\n");
  EXPECT_EQ(Run({"get", "nodes"}), 2);
  EXPECT_THAT(err, HasSubstr("mine.yaml:1:11: contexts: \"3\" is given where a list is right"));
  EXPECT_EQ(Called({"--controller", "flag:1"}), "flag:1");
  EXPECT_EQ(Run({"config", "set-context", "lab", "--controller", "lab:1"}), 2);
  EXPECT_EQ(folder_.Read("mine.yaml"), "contexts: 3\n") << "never overwritten";
}

TEST_F(ContextsTest, WhatOthersCanWriteIsRefused) {
  Run({"config", "set-context", "lab", "--controller", "lab:1"});
  ASSERT_EQ(chmod(folder_.Path(".config/hotplugger/config.yaml").c_str(), 0666), 0);
  EXPECT_EQ(Run({"get", "nodes"}), 2);
  EXPECT_THAT(err, HasSubstr("can be written by everybody, who could say in it whom you call; take "
                             "that back: chmod go-w"));
  EXPECT_EQ(Run({"config", "use-context", "lab"}), 1);
  EXPECT_THAT(err, HasSubstr("reason: UNSAFE_PERMISSIONS"));
  EXPECT_EQ(Called({"--controller", "flag:1"}), "flag:1") << "where it has no say, it is not read";
}

TEST_F(ContextsTest, WhatIsNoFileNeverHangs) {
  surroundings.variables["HOTPLUGCTL_CONFIG"] = folder_.Path("config.yaml");
  ASSERT_EQ(mkfifo(folder_.Path("config.yaml").c_str(), 0600), 0);
  EXPECT_EQ(Run({"get", "nodes"}), 2);
  EXPECT_THAT(err, HasSubstr("reason: NOT_A_FILE"));
  EXPECT_EQ(Run({"config", "set-context", "a", "--controller", "h:1"}), 1);
  EXPECT_THAT(err, HasSubstr("reason: NOT_A_FILE"));
  surroundings.variables["HOTPLUGCTL_CONFIG"] = folder_.path();
  EXPECT_EQ(Run({"get", "nodes"}), 2);
  EXPECT_THAT(err, HasSubstr("reason: NOT_A_FILE"));
  surroundings.variables["HOTPLUGCTL_CONFIG"] = "/dev/zero";
  EXPECT_EQ(Run({"get", "nodes"}), 2);
  surroundings.variables["HOTPLUGCTL_CONFIG"] = "/dev/null";
  EXPECT_EQ(Called(), "127.0.0.1:7443") << "no contexts, on purpose";
}

TEST_F(ContextsTest, AddressesAreCheckedWhereTheyAreSet) {
  for (const char* right :
       {"h:1", "10.0.0.1:7443", "a-b.example:65535", "[::1]:7443", "[fe80::1%eth0]:7443",
        "unix:/run/x.sock", "unix:x.sock", "unix:///run/x.sock"}) {
    EXPECT_EQ(Run({"config", "set-context", "a", "--controller", right}), 0) << right << err;
  }
  const std::vector<std::pair<std::string, std::string>> wrong = {
      {"", "is not HOST:PORT, [IPV6]:PORT or unix:PATH"},
      {"h", "has no port"},
      {"h:", "has no port"},
      {"h:0", "has no port from 1 to 65535"},
      {"h:65536", "has no port from 1 to 65535"},
      {"h:+1", "has no port"},
      {":7443", "is not HOST:PORT"},
      {"h h:1", "is not HOST:PORT"},
      {"::1", "is an IPv6 address without a port; write [::1]:7443"},
      {"fe80::1:7443", "is an IPv6 address without a port"},
      {"a:b:1", "has more than one colon"},
      {"[::1]", "has no IPv6 address in its brackets"},
      {"[x]:1", "has no IPv6 address in its brackets"},
      {"http://h:1", "begins with a scheme"},
      {"unix:", "has no path"},
      {"unix://h/x", "has a host where unix: has none"},
      {"unix:" + std::string(108, 'x'), "has no path of 1 to 107 bytes"}};
  for (const auto& [address, problem] : wrong) {
    EXPECT_EQ(Run({"config", "set-context", "a", "--controller", address}), 2) << address;
    EXPECT_THAT(err, HasSubstr(problem)) << address;
    EXPECT_THAT(err, HasSubstr("--controller: ")) << address;
    EXPECT_EQ(Run({"--controller", address, "get", "nodes"}), 2) << address;
  }
  EXPECT_EQ(Called(), "unix:///run/x.sock") << "the last right one";
}

TEST_F(ContextsTest, AnAddressThatIsWrongInTheFileSaysWhichContext) {
  surroundings.variables["HOTPLUGCTL_CONFIG"] = folder_.Path("mine.yaml");
  folder_.Write("mine.yaml", "current: a\ncontexts:\n- {name: a, controller: nonsense}\n");
  EXPECT_EQ(Run({"get", "nodes"}), 2);
  EXPECT_THAT(err, HasSubstr("the context a: \"nonsense\" "));
  surroundings.variables["HOTPLUGGER_CONTROLLER"] = "none:x";
  EXPECT_EQ(Run({"get", "nodes"}), 2);
  EXPECT_THAT(err, HasSubstr("HOTPLUGGER_CONTROLLER: \"none:x\" "));
}

TEST_F(ContextsTest, WithoutAHomeThereAreNone) {
  surroundings.variables.clear();
  EXPECT_EQ(Called(), "127.0.0.1:7443");
  EXPECT_EQ(Run({"config", "get-contexts"}), 1);
  EXPECT_THAT(err, HasSubstr("reason: NO_CONFIG"));
}

}  // namespace
}  // namespace hotplugger::client
