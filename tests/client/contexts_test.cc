// Contexts: their file, their verbs, and whom a command line calls by them.
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

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

TEST(PrivateFileTest, IsForItsOwnerAloneAndReplacedWhole) {
  const hotplugger::testing::TempDir folder;
  const std::string path = folder.Path("deep/config.yaml");
  ASSERT_TRUE(WritePrivateFile(path, "one").ok());
  EXPECT_EQ(ModeOf(path), 0600u);
  EXPECT_EQ(chmod(path.c_str(), 0644), 0);
  ASSERT_TRUE(WritePrivateFile(path, "two").ok());
  EXPECT_EQ(folder.Read("deep/config.yaml"), "two");
  EXPECT_EQ(ModeOf(path), 0600u);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.Path("deep")), {}), 1)
      << "nothing is left beside it";
}

TEST(PrivateFileTest, ALinkStaysOne) {
  const hotplugger::testing::TempDir folder;
  folder.Write("real.yaml", "one");
  ASSERT_EQ(symlink("real.yaml", folder.Path("link.yaml").c_str()), 0);
  ASSERT_TRUE(WritePrivateFile(folder.Path("link.yaml"), "two").ok());
  EXPECT_EQ(folder.Read("real.yaml"), "two");
  EXPECT_TRUE(std::filesystem::is_symlink(folder.Path("link.yaml")));
}

TEST(PrivateFileTest, WhatCantBeWrittenSaysWhy) {
  const hotplugger::testing::TempDir folder;
  folder.Write("file", "x");
  EXPECT_EQ(ErrorReason(WritePrivateFile(folder.Path("file/config.yaml"), "one")), "ENOTDIR");
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

TEST_F(ContextsTest, WithoutAHomeThereAreNone) {
  surroundings.variables.clear();
  EXPECT_EQ(Called(), "127.0.0.1:7443");
  EXPECT_EQ(Run({"config", "get-contexts"}), 1);
  EXPECT_THAT(err, HasSubstr("reason: NO_CONFIG"));
}

}  // namespace
}  // namespace hotplugger::client
