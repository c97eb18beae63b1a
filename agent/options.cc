#include "agent/options.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/error_info.h"
#include "common/listen_address.h"
#include "common/names.h"
#include "common/random_id.h"
#include "common/transport/address.h"
#include "common/version.h"

namespace hotplugger::agent {
namespace {

std::string HostName() {
  char name[256] = {};
  return gethostname(name, sizeof name - 1) == 0 ? name : "";
}

// "key=value" flags to a map; what is none becomes a violation.
std::map<std::string, std::string> SplitLabels(const std::vector<std::string>& flags,
                                               std::vector<FieldViolation>* violations) {
  std::map<std::string, std::string> labels;
  for (const std::string& flag : flags) {
    const std::pair<std::string, std::string> label = absl::StrSplit(flag, absl::MaxSplits('=', 1));
    if (flag.find('=') == std::string::npos) {
      violations->push_back({"--label", absl::StrCat("\"", flag, "\" is not KEY=VALUE")});
    } else if (!labels.insert(label).second) {
      violations->push_back({"--label", absl::StrCat("the key ", label.first, " is there twice")});
    }
  }
  return labels;
}

void Note(absl::string_view flag, const absl::Status& status,
          std::vector<FieldViolation>* violations) {
  if (!status.ok()) violations->push_back({std::string(flag), std::string(status.message())});
}

// Its messages name the flag already.
void NotePlaintext(absl::string_view flag, const std::string& address, bool insecure,
                   std::vector<FieldViolation>* violations) {
  const absl::Status status = CheckPlaintextAddress(flag, address, insecure);
  if (status.ok()) return;
  violations->push_back({std::string(flag), std::string(absl::StripPrefix(
                                                status.message(), absl::StrCat(flag, ": ")))});
}

void FindListenViolations(const AgentOptions& options, std::vector<FieldViolation>* violations) {
  if (!options.metrics_listen.empty()) {
    const absl::Status listen = CheckMetricsListenAddress(options.metrics_listen);
    Note("--metrics-listen", listen, violations);
    if (listen.ok()) {
      NotePlaintext("--metrics-listen", WithHost(options.metrics_listen), options.insecure,
                    violations);
    }
  }
  if (!options.metrics_address.empty()) {
    Note("--metrics-address", CheckReachedAddress(options.metrics_address), violations);
    if (options.metrics_listen.empty()) {
      violations->push_back(
          {"--metrics-address",
           "says where /metrics is reached, but none is served; give --metrics-listen too"});
    }
  }
  // In plaintext, as probes speak, and with nothing to hide.
  if (!options.health_listen.empty()) {
    Note("--health-listen", CheckListenAddress(options.health_listen), violations);
  }
}

std::vector<FieldViolation> FindViolations(const AgentOptions& options) {
  std::vector<FieldViolation> violations;
  Note("--node", ValidateNodeName(options.node), &violations);
  if (!options.controller.empty()) {
    NotePlaintext("--controller", options.controller, options.insecure, &violations);
  }
  if (options.labels.size() > kMaxNodeLabels) {
    violations.push_back({"--label", absl::StrCat(options.labels.size(), " labels; at most ",
                                                  kMaxNodeLabels, " are allowed")});
  }
  for (const auto& [key, value] : options.labels) {
    Note("--label", ValidateLabelKey(key), &violations);
    Note("--label", ValidateLabelValue(value), &violations);
  }
  if (!options.fleet.empty() && !IsRandomId(options.fleet)) {
    violations.push_back({"--fleet", absl::StrCat("\"", absl::CHexEscape(options.fleet),
                                                  "\" is not 32 lower-case hex digits, as the "
                                                  "controller logs its fleet at its start")});
  }
  FindListenViolations(options, &violations);
  if (options.config.empty()) {
    violations.push_back({"--config", absl::StrCat("is empty; give a path, or leave it out for ",
                                                   kDefaultConfigPath)});
  }
  return violations;
}

void AddListenOptions(AgentOptions* options, CLI::App* app) {
  app->add_option("--metrics-listen", options->metrics_listen,
                  "Serve /metrics for Prometheus here, in plaintext: an address of this host, or "
                  "nothing before the colon for all; without it there is none")
      ->type_name("HOST:PORT");
  app->add_option("--metrics-address", options->metrics_address,
                  "How others reach /metrics, for the controller's /sd; without it the address of "
                  "--metrics-listen, where that is all of the host's the name of --node, and where "
                  "it is loopback the host is not in /sd")
      ->type_name("HOST:PORT");
  app->add_option("--health-listen", options->health_listen,
                  "Serve gRPC's health service here, for probes, in plaintext; without it there is "
                  "none")
      ->type_name("HOST:PORT");
}

}  // namespace

absl::Status ValidateOptions(const AgentOptions& options) {
  return MakeFieldErrors(FindViolations(options));
}

ParsedCommandLine ParseCommandLine(int argc, const char* const* argv) {
  ParsedCommandLine parsed;
  AgentOptions& options = parsed.options;
  options.node = HostName();
  std::vector<std::string> labels;
  CLI::App app(
      "Carries out device and driver operations on this host, and keeps it as the "
      "controller's policies say.",
      "hotplugger-agent");
  app.set_version_flag("--version", absl::StrCat("hotplugger-agent ", kVersion));
  app.add_option("--node", options.node, "This host's name in the fleet")->capture_default_str();
  app.add_option("--controller", options.controller,
                 "HOST:PORT of the controller; without it only the saved spec is enforced");
  app.add_option("--fleet", options.fleet,
                 "The fleet that this host belongs to from now on, as its controller logs it; "
                 "without it the agent keeps to the first one that it meets")
      ->type_name("ID");
  app.add_flag("--insecure", options.insecure,
               "Allow plaintext beyond loopback: to a controller, and of /metrics");
  app.add_option("--label", labels, "KEY=VALUE that policies select by; may be repeated")
      ->allow_extra_args(false);
  app.add_option("--state-dir", options.state_dir, "Where the last good spec is kept")
      ->capture_default_str();
  app.add_option("--socket", options.socket, "Unix socket for hotplugctl --host")
      ->capture_default_str();
  app.add_option("--config", options.config,
                 "The file of this host's own limits; absent at the default place: the defaults")
      ->type_name("PATH")
      ->capture_default_str();
  app.add_option("--sysroot", options.sysroot,
                 "A directory that stands for the host's root, as in lscpu and lsmem: DIR/sys and "
                 "DIR/proc; for tests and dry inspection. Without it / is used, and /sys must be a "
                 "real sysfs")
      ->type_name("DIR");
  app.add_option("--drivers-dir", options.driver_folders,
                 "A folder of drivers' descriptions instead of the default ones; may be repeated, "
                 "and then a later one's count for more")
      ->type_name("DIR")
      ->allow_extra_args(false)
      ->capture_default_str();
  app.add_option("--bus", options.bus,
                 "The D-Bus address at which systemd is asked, e.g. "
                 "unix:path=/run/dbus/system_bus_socket; without it the system bus, with --sysroot "
                 "that of DIR/run/dbus")
      ->type_name("ADDRESS");
  app.add_option("--writer", options.writer, "The hotplugger-writer program");
  AddListenOptions(&options, &app);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    std::ostringstream out;
    parsed.exit_status = app.exit(error, out, out) == 0 ? 0 : 2;
    parsed.text = out.str();
    return parsed;
  }
  std::vector<FieldViolation> violations;
  options.labels = SplitLabels(labels, &violations);
  for (FieldViolation& violation : FindViolations(options)) violations.push_back(violation);
  if (violations.empty()) {
    parsed.proceed = true;
    return parsed;
  }
  parsed.exit_status = 2;
  parsed.text = absl::StrCat(MakeFieldErrors(violations).message(), "\n");
  return parsed;
}

}  // namespace hotplugger::agent
