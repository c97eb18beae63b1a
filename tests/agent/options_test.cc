#include "agent/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/error_info.h"

namespace hotplugger::agent {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Pair;

// With a node's name, since the host's own may be none that a node can have.
ParsedCommandLine Parse(const std::vector<std::string>& arguments, const char* node = "--node=n1") {
  std::vector<const char*> argv = {"hotplugger-agent", node};
  for (const std::string& argument : arguments) argv.push_back(argument.c_str());
  return ParseCommandLine(static_cast<int>(argv.size()), argv.data());
}

// `count` labels with different keys.
std::vector<std::string> Labels(int count) {
  std::vector<std::string> arguments;
  for (int i = 0; i < count; ++i) arguments.push_back(absl::StrCat("--label=key", i, "=value"));
  return arguments;
}

TEST(AgentOptionsTest, DefaultsTouchNobodyElse) {
  const ParsedCommandLine parsed = Parse({});
  ASSERT_TRUE(parsed.proceed) << parsed.text;
  EXPECT_EQ(parsed.options.node, "n1");
  EXPECT_EQ(parsed.options.controller, "");
  EXPECT_FALSE(parsed.options.insecure);
  EXPECT_EQ(parsed.options.config, "/etc/hotplugger/agent.yaml");
  EXPECT_EQ(parsed.options.state_dir, "/var/lib/hotplugger");
  EXPECT_EQ(parsed.options.socket, "/run/hotplugger/agent.sock");
  EXPECT_EQ(parsed.options.sysroot, "");
}

TEST(AgentOptionsTest, TakesWhatIsGiven) {
  const ParsedCommandLine parsed =
      Parse({"--controller=127.0.0.1:7443", "--config", "/tmp/a.yaml", "--sysroot=/tmp/host",
             "--label", "pool=lab", "--label=note=a=b", "--label=empty=", "--socket=/tmp/s",
             "--state-dir=/tmp/d", "--writer=/tmp/w"});
  ASSERT_TRUE(parsed.proceed) << parsed.text;
  EXPECT_EQ(parsed.options.controller, "127.0.0.1:7443");
  EXPECT_EQ(parsed.options.config, "/tmp/a.yaml");
  EXPECT_EQ(parsed.options.sysroot, "/tmp/host");
  EXPECT_THAT(parsed.options.labels,
              ElementsAre(Pair("empty", ""), Pair("note", "a=b"), Pair("pool", "lab")));
  EXPECT_EQ(parsed.options.socket, "/tmp/s");
  EXPECT_EQ(parsed.options.state_dir, "/tmp/d");
  EXPECT_EQ(parsed.options.writer, "/tmp/w");
}

TEST(AgentOptionsTest, TellsEverythingThatIsWrong) {
  const ParsedCommandLine parsed =
      Parse({"--controller=10.0.0.1:7443", "--config", "", "--label=pool", "--label=a=1",
             "--label=a=2", "--label=b c=1"},
            "--node=N 1");
  EXPECT_FALSE(parsed.proceed);
  EXPECT_EQ(parsed.exit_status, 2);
  EXPECT_THAT(parsed.text, AllOf(HasSubstr("--node: node name \"N 1\""),
                                 HasSubstr("--controller: "), HasSubstr("--config: is empty"),
                                 HasSubstr("--label: \"pool\" is not KEY=VALUE"),
                                 HasSubstr("--label: the key a is there twice"),
                                 HasSubstr("--label: label key \"b c\"")));
}

TEST(AgentOptionsTest, AsManyLabelsAsTheControllerTakes) {
  EXPECT_TRUE(Parse(Labels(64)).proceed);
  const ParsedCommandLine parsed = Parse(Labels(65));
  EXPECT_FALSE(parsed.proceed);
  EXPECT_THAT(parsed.text, HasSubstr("65 labels; at most 64 are allowed"));
}

TEST(AgentOptionsTest, PlaintextBeyondLoopbackNeedsAWord) {
  EXPECT_FALSE(Parse({"--controller=10.0.0.1:7443"}).proceed);
  EXPECT_TRUE(Parse({"--controller=10.0.0.1:7443", "--insecure"}).proceed);
}

TEST(AgentOptionsTest, NothingListensWhereNoFlagSaysSo) {
  const ParsedCommandLine parsed = Parse({});
  EXPECT_EQ(parsed.options.metrics_listen, "");
  EXPECT_EQ(parsed.options.metrics_address, "");
  EXPECT_EQ(parsed.options.health_listen, "");
  const ParsedCommandLine all = Parse(
      {"--metrics-listen=127.0.0.1:9416", "--metrics-address=node1:9416", "--health-listen=:9417"});
  ASSERT_TRUE(all.proceed) << all.text;
  EXPECT_EQ(all.options.metrics_listen, "127.0.0.1:9416");
  EXPECT_EQ(all.options.metrics_address, "node1:9416");
  EXPECT_EQ(all.options.health_listen, ":9417");
}

TEST(AgentOptionsTest, AddressesThatNobodyCanListenAtAreRefused) {
  const ParsedCommandLine parsed =
      Parse({"--metrics-listen=9416", "--health-listen=unix:/run/health",
             "--metrics-address=0.0.0.0:9416"});
  EXPECT_EQ(parsed.exit_status, 2);
  EXPECT_THAT(parsed.text,
              AllOf(HasSubstr("--metrics-listen: \"9416\" is not HOST:PORT"),
                    HasSubstr("--health-listen: \"unix:/run/health\" is not HOST:PORT"),
                    HasSubstr("--metrics-address: \"0.0.0.0:9416\" has no host that others")));
}

TEST(AgentOptionsTest, MetricsAreServedByIpv4AloneAndHealthByBoth) {
  EXPECT_THAT(Parse({"--metrics-listen=[::1]:9416"}).text, HasSubstr("by IPv4 alone"));
  EXPECT_TRUE(Parse({"--health-listen=[::1]:9417"}).proceed);
}

TEST(AgentOptionsTest, NobodyIsToldOfMetricsThatAreNotServed) {
  const ParsedCommandLine parsed = Parse({"--metrics-address=node1:9416"});
  EXPECT_EQ(parsed.exit_status, 2);
  EXPECT_THAT(parsed.text, HasSubstr("--metrics-address: says where /metrics is reached, but none "
                                     "is served; give --metrics-listen too"));
}

TEST(AgentOptionsTest, MetricsBeyondLoopbackNeedAWordToo) {
  for (const char* listen : {"10.0.0.1:9416", ":9416", "0.0.0.0:9416"}) {
    const std::string flag = absl::StrCat("--metrics-listen=", listen);
    EXPECT_THAT(Parse({flag}).text, HasSubstr("--insecure")) << listen;
    EXPECT_TRUE(Parse({flag, "--insecure"}).proceed) << listen;
  }
  // That a host is up is no secret, and probes speak plaintext.
  EXPECT_TRUE(Parse({"--health-listen=:9417"}).proceed);
}

TEST(AgentOptionsTest, LimitsComeFromTheConfigAlone) {
  const ParsedCommandLine parsed = Parse({"--min-online-cpus=1"});
  EXPECT_FALSE(parsed.proceed);
  EXPECT_EQ(parsed.exit_status, 2);
  EXPECT_THAT(parsed.text, HasSubstr("--min-online-cpus"));
}

TEST(AgentOptionsTest, HelpAndVersionAreTexts) {
  const ParsedCommandLine help = Parse({"--help"});
  EXPECT_FALSE(help.proceed);
  EXPECT_EQ(help.exit_status, 0);
  EXPECT_THAT(help.text, AllOf(HasSubstr("--config"), HasSubstr("stands for the host's root"),
                               Not(HasSubstr("min-online"))));
  const ParsedCommandLine version = Parse({"--version"});
  EXPECT_EQ(version.exit_status, 0);
  EXPECT_THAT(version.text, HasSubstr("hotplugger-agent "));
}

TEST(AgentOptionsTest, AFleetIsNamedByItsId) {
  const std::string id(32, 'a');
  const ParsedCommandLine parsed = Parse({"--fleet=" + id});
  ASSERT_TRUE(parsed.proceed) << parsed.text;
  EXPECT_EQ(parsed.options.fleet, id);
  const ParsedCommandLine bad = Parse({"--fleet=lab"});
  EXPECT_EQ(bad.exit_status, 2);
  EXPECT_THAT(bad.text, AllOf(HasSubstr("--fleet"), HasSubstr("32 lower-case hex digits")));
}

TEST(AgentOptionsTest, OptionsThatWereNotParsedAreCheckedToo) {
  AgentOptions options;
  options.node = "n1";
  EXPECT_EQ(ValidateOptions(options), absl::OkStatus());
  options.node = "";
  options.config = "";
  std::vector<std::string> fields;
  for (const FieldViolation& violation : ErrorFieldViolations(ValidateOptions(options))) {
    fields.push_back(violation.field);
  }
  EXPECT_THAT(fields, ElementsAre("--node", "--config"));
}

}  // namespace
}  // namespace hotplugger::agent
