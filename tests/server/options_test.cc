#include "server/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/error_info.h"

namespace hotplugger::server {
namespace {

absl::StatusOr<ParsedCommandLine> Parse(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "hotplugger-controller");
  return ParseCommandLine(static_cast<int>(arguments.size()), arguments.data());
}

TEST(OptionsTest, DefaultsAreSafe) {
  const auto parsed = Parse({});
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(parsed->options.listen, "127.0.0.1:7443");
  EXPECT_EQ(parsed->options.metrics_listen, "127.0.0.1:9415");
  EXPECT_EQ(parsed->options.store_path(), "/var/lib/hotplugger/controller.db");
  EXPECT_FALSE(parsed->options.insecure);
  EXPECT_EQ(parsed->options.max_nodes, 20000u);
  EXPECT_EQ(parsed->options.ping_interval, absl::Seconds(20));
}

TEST(OptionsTest, TakesWhatIsGiven) {
  const auto parsed = Parse({"--listen=0.0.0.0:1", "--metrics-listen", "127.0.0.1:0", "--insecure",
                             "--store=sqlite:x.db", "--max-nodes=5", "--ping-interval=500ms"});
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(parsed->options.listen, "0.0.0.0:1");
  EXPECT_EQ(parsed->options.store_path(), "x.db");
  EXPECT_EQ(parsed->options.ping_interval, absl::Milliseconds(500));
}

TEST(OptionsTest, TellsEverythingThatIsWrong) {
  const auto parsed = Parse({"--listen=0.0.0.0:1", "--metrics-listen=nowhere", "--store=mysql:x",
                             "--max-nodes=0", "--ping-interval=1h", "--take-over=x"});
  std::vector<std::string> fields;
  for (const auto& violation : ErrorFieldViolations(parsed.status())) {
    fields.push_back(violation.field);
  }
  EXPECT_THAT(fields, ::testing::ElementsAre("--listen", "--metrics-listen", "--store",
                                             "--max-nodes", "--ping-interval", "--take-over"));
}

TEST(OptionsTest, NamesAnUnknownFlag) {
  const auto parsed = Parse({"--lisen=x"});
  EXPECT_EQ(ErrorReason(parsed.status()), "BAD_COMMAND_LINE");
  EXPECT_THAT(std::string(parsed.status().message()), ::testing::HasSubstr("--lisen"));
}

TEST(OptionsTest, HelpAndVersionAreTexts) {
  EXPECT_THAT(*Parse({"--help"})->text, ::testing::HasSubstr("--ping-interval"));
  EXPECT_THAT(*Parse({"--version"})->text, ::testing::HasSubstr("."));
}

}  // namespace
}  // namespace hotplugger::server
