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
  EXPECT_EQ(parsed->options.health_listen, "");
  EXPECT_EQ(parsed->options.metrics.node_series.ToString(), "2000");
  EXPECT_THAT(parsed->options.metrics.domains, ::testing::ElementsAre("pool", "zone"));
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

TEST(OptionsTest, TakesWhatMetricsAreToShow) {
  const auto parsed = [](const char* node_metrics, const char* domains) {
    return Parse({"--node-metrics", node_metrics, "--metrics-domains", domains});
  };
  const auto settings = [&parsed](const char* node_metrics, const char* domains) {
    const auto options = parsed(node_metrics, domains);
    EXPECT_TRUE(options.ok()) << options.status();
    return options.ok() ? options->options.metrics : MetricsSettings();
  };
  for (const char* nodes : {"1", "1000000", "off", "all"}) {
    EXPECT_EQ(settings(nodes, "pool").node_series.ToString(), nodes);
  }
  EXPECT_THAT(settings("1", "none").domains, ::testing::IsEmpty());
  EXPECT_THAT(settings("1", "rack,example.org/row").domains,
              ::testing::ElementsAre("rack", "example.org/row"));
  EXPECT_THAT(settings("1", "a,b,c,d,e,f,g,h").domains, ::testing::SizeIs(8));
  for (const char* bad : {"", "0", "1000001", "-1", "many", "18446744073709551616", "2,000"}) {
    const absl::Status status = parsed(bad, "pool").status();
    ASSERT_EQ(ErrorFieldViolations(status).size(), 1u) << bad;
    EXPECT_EQ(ErrorFieldViolations(status)[0].field, "--node-metrics");
  }
  for (const char* bad : {"", "pool,", "po ol", "pool,zone,pool", "a,b,c,d,e,f,g,h,i"}) {
    const absl::Status status = parsed("1", bad).status();
    ASSERT_EQ(ErrorFieldViolations(status).size(), 1u) << bad;
    EXPECT_EQ(ErrorFieldViolations(status)[0].field, "--metrics-domains");
  }
}

// Kubelet's probes come to the pod's address, and speak plaintext alone.
TEST(OptionsTest, HealthIsAnsweredAtAnyAddress) {
  const auto parsed = Parse({"--health-listen=0.0.0.0:9417"});
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(parsed->options.health_listen, "0.0.0.0:9417");
  for (const char* good : {"--health-listen=:9417", "--health-listen=[::]:9417"}) {
    EXPECT_TRUE(Parse({good}).ok()) << good;
  }
  for (const char* bad : {"--health-listen=9417", "--health-listen=unix:/run/health",
                          "--health-listen=host:x", "--health-listen=host:9417"}) {
    const absl::Status status = Parse({bad}).status();
    ASSERT_EQ(ErrorFieldViolations(status).size(), 1u) << bad;
    EXPECT_EQ(ErrorFieldViolations(status)[0].field, "--health-listen");
  }
}

TEST(OptionsTest, MetricsAreServedByIpv4Alone) {
  for (const char* good : {"localhost:0", "127.0.0.1:9415", ":9415", "10.0.0.1:9415"}) {
    EXPECT_TRUE(Parse({"--insecure", "--metrics-listen", good}).ok()) << good;
  }
  for (const char* bad : {"[::1]:9415", "[::]:9415", "host:9415", "9415", "unix:/run/metrics"}) {
    const absl::Status status = Parse({"--insecure", "--metrics-listen", bad}).status();
    ASSERT_EQ(ErrorFieldViolations(status).size(), 1u) << bad;
    EXPECT_EQ(ErrorFieldViolations(status)[0].field, "--metrics-listen");
  }
  for (const char* open : {":9415", "0.0.0.0:9415", "10.0.0.1:9415"}) {
    const absl::Status status = Parse({"--metrics-listen", open}).status();
    EXPECT_THAT(std::string(status.message()), ::testing::HasSubstr("--insecure")) << open;
  }
}

TEST(OptionsTest, TellsEverythingThatIsWrong) {
  const auto parsed =
      Parse({"--listen=0.0.0.0:1", "--metrics-listen=nowhere", "--store=mysql:x", "--max-nodes=0",
             "--ping-interval=1h", "--take-over=x", "--health-listen=y", "--metrics-domains=a b"});
  std::vector<std::string> fields;
  for (const auto& violation : ErrorFieldViolations(parsed.status())) {
    fields.push_back(violation.field);
  }
  EXPECT_THAT(fields, ::testing::ElementsAre("--listen", "--metrics-listen", "--health-listen",
                                             "--metrics-domains", "--store", "--max-nodes",
                                             "--ping-interval", "--take-over"));
}

// Those that can't be read among them.
TEST(OptionsTest, TellsEveryTextThatIsWrong) {
  const auto parsed = Parse({"--ping-interval=x", "--node-metrics=y", "--metrics-domains", "",
                             "--store=mysql:z", "--max-nodes=0"});
  std::vector<std::string> fields;
  for (const auto& violation : ErrorFieldViolations(parsed.status())) {
    fields.push_back(violation.field);
  }
  EXPECT_THAT(fields, ::testing::ElementsAre("--ping-interval", "--node-metrics",
                                             "--metrics-domains", "--store", "--max-nodes"));
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
