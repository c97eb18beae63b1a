// Completion scripts: that they know everything, and that bash, which every Debian has, completes
// by its own.
#include <cstdio>
#include <filesystem>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/verb_description.h"
#include "client/verb_table.h"
#include "tests/client/command_line_fixture.h"
#include "tests/fakes/temp_dir.h"

namespace hotplugger::client {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class CompletionTest : public CommandLineTest {
 protected:
  std::string Script(const std::string& shell) {
    EXPECT_EQ(Run({"completion", shell}), 0) << err;
    return out;
  }

  // What bash offers at the end of `words`, of which the last is being written.
  std::string Offered(const std::vector<std::string>& words) {
    folder_.Write("script", Script("bash"));
    folder_.Write(
        "driver",
        absl::StrCat("complete() { :; }\ncompopt() { :; }\n"
                     // Stands for the program, and keeps what it was asked.
                     "hotplugctl() {\n  echo \"$*\" >>",
                     folder_.Path("asked"),
                     "\n  case \"$*\" in\n"
                     "    *'get policies'*) printf '%s\\n' policy/park policy/web ;;\n"
                     "    *'get holds --node alpha'*) printf '%s\\n' hold/alpha/cpu3 "
                     "hold/alpha/core/0-0-3 ;;\n"
                     "    *'get-contexts'*) printf '%s\\n' lab prod ;;\n"
                     "    *'get nodes'*) printf '%s\\n' ",
                     nodes_, " ;;\n  esac\n}\nsource ", folder_.Path("script"),
                     "\nCOMP_WORDS=('hotplugctl' '", absl::StrJoin(words, "' '"),
                     "')\nCOMP_CWORD=", words.size(), "\n_hotplugctl\necho \"${COMPREPLY[*]}\"\n"));
    const std::string command = absl::StrCat("bash ", folder_.Path("driver"), " 2>&1");
    std::string offered;
    FILE* const pipe = popen(command.c_str(), "r");
    if (pipe == nullptr) return "no bash";
    for (int byte = fgetc(pipe); byte != EOF; byte = fgetc(pipe)) {
      offered.push_back(static_cast<char>(byte));
    }
    pclose(pipe);
    return offered;
  }

  hotplugger::testing::TempDir folder_;
  std::string nodes_ = "node/alpha node/beta";
};

// What a controller says is neither carried out nor put where a person would.
TEST_F(CompletionTest, ANameThatNoneCanHaveIsNotOffered) {
  nodes_ = absl::StrCat("node/alpha 'node/$(touch ", folder_.Path("touched"), ")' 'node/a;b'");
  EXPECT_EQ(Offered({"offline", "a"}), "alpha\n");
  EXPECT_EQ(Offered({"offline", ""}), "alpha\n");
  EXPECT_FALSE(std::filesystem::exists(folder_.Path("touched")));
}

TEST_F(CompletionTest, EveryShellsScriptKnowsEveryVerbAndFlag) {
  for (const char* shell : {"bash", "zsh", "fish"}) {
    const std::string script = Script(shell);
    for (const bool host_scope : {false, true}) {
      const ScopeDescription scope = DescribeScope(host_scope);
      for (const VerbDescription& verb : scope.verbs) {
        EXPECT_THAT(script, HasSubstr(verb.name)) << shell;
        for (const ArgumentDescription& argument : verb.arguments) {
          if (argument.positional()) continue;
          for (const std::string& name : argument.names) {
            EXPECT_THAT(script, HasSubstr(name)) << shell << ' ' << verb.name;
          }
        }
      }
    }
  }
}

TEST_F(CompletionTest, CompletesVerbsOfTheScope) {
  EXPECT_EQ(Offered({"ap"}), "apply\n");
  EXPECT_EQ(Offered({"de"}), "describe delete\n");
  EXPECT_EQ(Offered({"--host", "de"}), "devices\n");
  EXPECT_EQ(Offered({"--controller", "x:1", "--insecure", "ap"}), "apply\n")
      << "a flag's value is no verb";
}

TEST_F(CompletionTest, CompletesFlagsOfTheVerbAndOfTheScope) {
  EXPECT_EQ(Offered({"offline", "--dry"}),
            "--dry-run --dry-run=none --dry-run=client --dry-run=server\n");
  EXPECT_EQ(Offered({"apply", "--contr"}), "--controller\n");
  EXPECT_EQ(Offered({"describe", "--dry"}), "\n");
}

TEST_F(CompletionTest, CompletesChoices) {
  EXPECT_EQ(Offered({"get", ""}), "nodes policies holds node policy\n");
  EXPECT_EQ(Offered({"get", "nodes", "-o", ""}), "table wide json yaml name\n");
  EXPECT_EQ(Offered({"-o", "j"}), "json\n");
  EXPECT_EQ(Offered({"wait", "nodes", "--for", "con"}), "confirmed connected\n");
  EXPECT_EQ(Offered({"completion", ""}), "bash zsh fish\n");
}

TEST_F(CompletionTest, CompletesNamesOfNodesFromTheController) {
  EXPECT_EQ(Offered({"offline", ""}), "alpha beta\n");
  EXPECT_EQ(Offered({"enable", "x", "--node", "b"}), "beta\n");
}

TEST_F(CompletionTest, ANameIsOfTheKindThatStandsBefore) {
  EXPECT_EQ(Offered({"get", "policy", ""}), "park web\n");
  EXPECT_EQ(Offered({"history", "policy", "p"}), "park\n");
  EXPECT_EQ(Offered({"delete", "node", ""}), "alpha beta\n");
  EXPECT_EQ(Offered({"describe", "node", "b"}), "beta\n");
  EXPECT_EQ(Offered({"get", "nodes", "--policy", "w"}), "web\n");
  EXPECT_EQ(Offered({"config", "use-context", ""}), "lab prod\n");
  EXPECT_EQ(Offered({"wait", "nodes", "alpha", "b"}), "beta\n") << "a list goes on";
  EXPECT_EQ(Offered({"events", ""}), "alpha beta policies/park policies/web\n");
}

TEST_F(CompletionTest, CompletesWhatIsHeldOfTheNode) {
  EXPECT_EQ(Offered({"release", "alpha", ""}), "cpu3 core/0-0-3\n");
  EXPECT_EQ(Offered({"release", "alpha", "core"}), "core/0-0-3\n");
  EXPECT_EQ(Offered({"release", "beta", ""}), "\n");
  EXPECT_EQ(Offered({"plan", "release", "alpha", ""}), "cpu3 core/0-0-3\n");
  EXPECT_EQ(Offered({"wait", "hold", "a"}), "alpha\n");
  EXPECT_EQ(Offered({"wait", "hold", "alpha", ""}), "cpu3 core/0-0-3\n");
}

TEST_F(CompletionTest, AsksTheControllerThatTheLineNamesAndNotForLong) {
  // As COMP_WORDBREAKS has HOST:PORT.
  EXPECT_EQ(Offered({"--controller", "10.0.0.1", ":", "7443", "--insecure", "release", ""}),
            "alpha beta\n");
  EXPECT_EQ(folder_.Read("asked"),
            "--controller 10.0.0.1:7443 --insecure --timeout 1s get nodes -o name\n");
  folder_.Write("asked", "");
  EXPECT_EQ(Offered({"--context", "lab", "--dry-run", "=", "client", "release", "alpha", "cp"}),
            "cpu3\n");
  EXPECT_EQ(folder_.Read("asked"), "--context lab --timeout 1s get holds --node alpha -o name\n");
}

TEST_F(CompletionTest, OfThisHostNoControllerIsAsked) {
  EXPECT_EQ(Offered({"--host", "get", ""}), "\n");
  EXPECT_EQ(Offered({"--host", "offline", "--node", ""}), "\n");
  EXPECT_FALSE(std::filesystem::exists(folder_.Path("asked")));
}

TEST_F(CompletionTest, CompletesFiles) {
  folder_.Write("policy.yaml", "");
  EXPECT_EQ(Offered({"apply", "-f", folder_.Path("pol")}), folder_.Path("policy.yaml") + "\n");
}

}  // namespace
}  // namespace hotplugger::client
