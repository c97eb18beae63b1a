#include "server/options.h"

#include <CLI/CLI.hpp>
#include <set>
#include <sstream>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/error_info.h"
#include "common/listen_address.h"
#include "common/names.h"
#include "common/status_macros.h"
#include "common/transport/address.h"
#include "common/version.h"
#include "server/fleet/fleet_identity.h"

namespace hotplugger::server {
namespace {

constexpr char kSqlite[] = "sqlite:";
constexpr char kHealthListen[] = "--health-listen";
constexpr char kMetricsDomains[] = "--metrics-domains";
constexpr char kMetricsListen[] = "--metrics-listen";
constexpr char kNodeMetrics[] = "--node-metrics";
constexpr char kPingInterval[] = "--ping-interval";
constexpr size_t kMaxNodesLimit = 1'000'000;
constexpr size_t kMaxDomains = 8;
constexpr absl::Duration kMinPingInterval = absl::Milliseconds(100);
constexpr absl::Duration kMaxPingInterval = absl::Minutes(10);

void CheckAddress(const std::string& flag, const std::string& address, bool insecure,
                  std::vector<FieldViolation>* violations) {
  const absl::Status status = CheckPlaintextAddress(flag, address, insecure);
  if (status.ok()) return;
  const std::vector<FieldViolation> found = ErrorFieldViolations(status);
  if (found.empty()) {
    violations->push_back(
        {flag, std::string(absl::StripPrefix(status.message(), absl::StrCat(flag, ": ")))});
  }
  violations->insert(violations->end(), found.begin(), found.end());
}

void CheckMetricsAddress(const Options& options, std::vector<FieldViolation>* violations) {
  const absl::Status listen = CheckMetricsListenAddress(options.metrics_listen);
  if (listen.ok()) {
    CheckAddress(kMetricsListen, WithHost(options.metrics_listen), options.insecure, violations);
  } else {
    violations->push_back({kMetricsListen, std::string(listen.message())});
  }
}

// The port for probes is in plaintext, and nobody else's business is answered there.
void CheckHealthAddress(const std::string& address, std::vector<FieldViolation>* violations) {
  if (address.empty()) return;
  const absl::Status listen = CheckListenAddress(address);
  if (!listen.ok()) violations->push_back({kHealthListen, std::string(listen.message())});
}

void CheckMetricsSettings(const MetricsSettings& settings,
                          std::vector<FieldViolation>* violations) {
  if (settings.domains.size() > kMaxDomains) {
    violations->push_back(
        {kMetricsDomains, absl::StrCat("has ", settings.domains.size(), " keys; at most ",
                                       kMaxDomains, " are allowed")});
  }
  std::set<absl::string_view> seen;
  for (const std::string& key : settings.domains) {
    const absl::Status status = ValidateLabelKey(key);
    if (!status.ok()) violations->push_back({kMetricsDomains, std::string(status.message())});
    if (!seen.insert(key).second) {
      violations->push_back({kMetricsDomains, absl::StrCat("has ", key, " twice")});
    }
  }
}

// LIMIT, "off" or "all".
void ReadNodeMetrics(const std::string& text, MetricsSettings* settings,
                     std::vector<FieldViolation>* violations) {
  const absl::StatusOr<NodeSeriesLimit> limit = NodeSeriesLimit::Parse(text);
  if (limit.ok()) {
    settings->node_series = *limit;
  } else {
    violations->push_back({kNodeMetrics, std::string(limit.status().message())});
  }
}

// KEY,... or "none".
void ReadMetricsDomains(const std::string& text, MetricsSettings* settings,
                        std::vector<FieldViolation>* violations) {
  settings->domains.clear();
  if (text == "none") return;
  if (text.empty()) {
    violations->push_back(
        {kMetricsDomains, "is empty; give keys of labels, e.g. pool,zone, or none"});
  } else {
    settings->domains = absl::StrSplit(text, ',');
  }
}

void ReadPingInterval(const std::string& text, absl::Duration* interval,
                      std::vector<FieldViolation>* violations) {
  absl::Duration read;
  if (absl::ParseDuration(text, &read)) {
    *interval = read;
  } else {
    violations->push_back({kPingInterval, absl::StrCat("\"", text, "\" is no duration, e.g. 20s")});
  }
}

void CheckOptions(const Options& options, std::vector<FieldViolation>* violations) {
  CheckAddress("--listen", options.listen, options.insecure, violations);
  CheckMetricsAddress(options, violations);
  CheckHealthAddress(options.health_listen, violations);
  CheckMetricsSettings(options.metrics, violations);
  if (!absl::StartsWith(options.store, kSqlite) || options.store_path().empty()) {
    violations->push_back({"--store", absl::StrCat("\"", options.store,
                                                   "\" is not sqlite:PATH, e.g. "
                                                   "sqlite:/var/lib/hotplugger/controller.db")});
  }
  if (options.max_nodes < 1 || options.max_nodes > kMaxNodesLimit) {
    violations->push_back(
        {"--max-nodes", absl::StrCat(options.max_nodes, " is not from 1 to ", kMaxNodesLimit)});
  }
  if (options.ping_interval < kMinPingInterval || options.ping_interval > kMaxPingInterval) {
    violations->push_back(
        {kPingInterval, absl::StrCat(absl::FormatDuration(options.ping_interval), " is not from ",
                                     absl::FormatDuration(kMinPingInterval), " to ",
                                     absl::FormatDuration(kMaxPingInterval))});
  }
  if (!options.take_over.empty()) {
    const auto found = ErrorFieldViolations(ParseTakeOver(options.take_over).status());
    violations->insert(violations->end(), found.begin(), found.end());
  }
}

// What is more than a number or a text, as the command line has it.
struct FlagTexts {
  explicit FlagTexts(const Options& options)
      : ping_interval(absl::FormatDuration(options.ping_interval)),
        node_metrics(options.metrics.node_series.ToString()),
        metrics_domains(absl::StrJoin(options.metrics.domains, ",")) {}

  std::string ping_interval;
  std::string node_metrics;
  std::string metrics_domains;
};

void AddListeningFlags(CLI::App* app, Options* options, FlagTexts* texts) {
  app->add_option("--listen", options->listen, "gRPC for agents and operators, HOST:PORT")
      ->capture_default_str();
  app->add_option(kMetricsListen, options->metrics_listen, "HTTP for Prometheus, HOST:PORT")
      ->capture_default_str();
  app->add_option(
         kNodeMetrics, texts->node_metrics,
         "how many nodes, the first ones by name, have metrics of their own: a number, off "
         "or all")
      ->capture_default_str();
  app->add_option(
         kMetricsDomains, texts->metrics_domains,
         "keys of node labels whose values have metrics of their own, e.g. pool,zone; none")
      ->capture_default_str();
  app->add_option(kHealthListen, options->health_listen,
                  "gRPC health checks and nothing else, in plaintext, HOST:PORT; nowhere without "
                  "this");
}

void AddOtherFlags(CLI::App* app, Options* options, FlagTexts* texts) {
  app->add_option("--store", options->store, "where everything is kept, sqlite:PATH")
      ->capture_default_str();
  app->add_flag("--insecure", options->insecure,
                "allow plaintext beyond loopback; for networks where everybody is trusted");
  app->add_option("--max-nodes", options->max_nodes, "no more nodes than these are known")
      ->capture_default_str();
  app->add_option(kPingInterval, texts->ping_interval,
                  "how often nodes are asked for a sign of life, e.g. 20s; three unanswered end a "
                  "stream")
      ->capture_default_str();
  app->add_option("--port-file", options->port_file,
                  "write grpc=PORT and metrics=PORT, and health=PORT, here once all serve");
  app->add_option(
      "--take-over", options->take_over,
      "lead the fleet of a store that is lost, FLEET@EPOCH as the error says that turns "
      "its nodes away; only once policies and holds are as the fleet is to be");
}

// What can't be read leaves its option as it is.
void ReadTexts(const FlagTexts& texts, Options* options, std::vector<FieldViolation>* violations) {
  ReadPingInterval(texts.ping_interval, &options->ping_interval, violations);
  ReadNodeMetrics(texts.node_metrics, &options->metrics, violations);
  ReadMetricsDomains(texts.metrics_domains, &options->metrics, violations);
}

}  // namespace

std::string Options::store_path() const { return std::string(absl::StripPrefix(store, kSqlite)); }

absl::Status ValidateOptions(const Options& options) {
  std::vector<FieldViolation> violations;
  CheckOptions(options, &violations);
  return MakeFieldErrors(violations);
}

absl::StatusOr<ParsedCommandLine> ParseCommandLine(int argc, const char* const* argv) {
  ParsedCommandLine parsed;
  Options& options = parsed.options;
  FlagTexts texts(options);
  CLI::App app(
      "Hotplugger's controller: keeps a fleet's CPUs and hotplug drivers as policies want.",
      "hotplugger-controller");
  app.set_version_flag("--version", kVersion);
  AddListeningFlags(&app, &options, &texts);
  AddOtherFlags(&app, &options, &texts);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& success) {
    // --help or --version.
    std::ostringstream text;
    std::ostringstream unused;
    app.exit(success, text, unused);
    parsed.text = text.str();
    return parsed;
  } catch (const CLI::ParseError& error) {
    return MakeError(absl::StatusCode::kInvalidArgument, "BAD_COMMAND_LINE",
                     absl::StrCat(error.what(), "; see hotplugger-controller --help"));
  }
  std::vector<FieldViolation> violations;
  ReadTexts(texts, &options, &violations);
  CheckOptions(options, &violations);
  RETURN_IF_ERROR(MakeFieldErrors(violations));
  return parsed;
}

}  // namespace hotplugger::server
