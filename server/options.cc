#include "server/options.h"

#include <CLI/CLI.hpp>
#include <sstream>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/error_info.h"
#include "common/status_macros.h"
#include "common/transport/address.h"
#include "common/version.h"
#include "server/fleet/fleet_identity.h"

namespace hotplugger::server {
namespace {

constexpr char kSqlite[] = "sqlite:";
constexpr size_t kMaxNodesLimit = 1'000'000;
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

}  // namespace

std::string Options::store_path() const { return std::string(absl::StripPrefix(store, kSqlite)); }

absl::Status ValidateOptions(const Options& options) {
  std::vector<FieldViolation> violations;
  CheckAddress("--listen", options.listen, options.insecure, &violations);
  CheckAddress("--metrics-listen", options.metrics_listen, options.insecure, &violations);
  if (absl::StartsWith(options.metrics_listen, "unix:")) {
    violations.push_back({"--metrics-listen", "can't be a unix socket; give HOST:PORT"});
  }
  if (!absl::StartsWith(options.store, kSqlite) || options.store_path().empty()) {
    violations.push_back({"--store", absl::StrCat("\"", options.store,
                                                  "\" is not sqlite:PATH, e.g. "
                                                  "sqlite:/var/lib/hotplugger/controller.db")});
  }
  if (options.max_nodes < 1 || options.max_nodes > kMaxNodesLimit) {
    violations.push_back(
        {"--max-nodes", absl::StrCat(options.max_nodes, " is not from 1 to ", kMaxNodesLimit)});
  }
  if (options.ping_interval < kMinPingInterval || options.ping_interval > kMaxPingInterval) {
    violations.push_back(
        {"--ping-interval", absl::StrCat(absl::FormatDuration(options.ping_interval),
                                         " is not from ", absl::FormatDuration(kMinPingInterval),
                                         " to ", absl::FormatDuration(kMaxPingInterval))});
  }
  if (!options.take_over.empty()) {
    const auto found = ErrorFieldViolations(ParseTakeOver(options.take_over).status());
    violations.insert(violations.end(), found.begin(), found.end());
  }
  return MakeFieldErrors(violations);
}

absl::StatusOr<ParsedCommandLine> ParseCommandLine(int argc, const char* const* argv) {
  ParsedCommandLine parsed;
  Options& options = parsed.options;
  std::string ping_interval = absl::FormatDuration(options.ping_interval);
  CLI::App app(
      "Hotplugger's controller: keeps a fleet's CPUs and hotplug drivers as policies want.",
      "hotplugger-controller");
  app.set_version_flag("--version", kVersion);
  app.add_option("--listen", options.listen, "gRPC for agents and operators, HOST:PORT")
      ->capture_default_str();
  app.add_option("--metrics-listen", options.metrics_listen, "HTTP for Prometheus, HOST:PORT")
      ->capture_default_str();
  app.add_option("--store", options.store, "where everything is kept, sqlite:PATH")
      ->capture_default_str();
  app.add_flag("--insecure", options.insecure,
               "allow plaintext beyond loopback; for networks where everybody is trusted");
  app.add_option("--max-nodes", options.max_nodes, "no more nodes than these are known")
      ->capture_default_str();
  app.add_option("--ping-interval", ping_interval,
                 "how often nodes are asked for a sign of life, e.g. 20s; three unanswered end a "
                 "stream")
      ->capture_default_str();
  app.add_option("--port-file", options.port_file,
                 "write grpc=PORT and metrics=PORT here once both serve");
  app.add_option("--take-over", options.take_over,
                 "lead the fleet of a store that is lost, FLEET@EPOCH as the error says that turns "
                 "its nodes away; only once policies and holds are as the fleet is to be");
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
  if (!absl::ParseDuration(ping_interval, &options.ping_interval)) {
    return MakeFieldErrors(
        {{"--ping-interval", absl::StrCat("\"", ping_interval, "\" is no duration, e.g. 20s")}});
  }
  RETURN_IF_ERROR(ValidateOptions(options));
  return parsed;
}

}  // namespace hotplugger::server
