// The controller's command line.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/metrics/metrics_settings.h"

namespace hotplugger::server {

struct Options {
  // "HOST:PORT" or "unix:PATH"; port 0: any free one.
  std::string listen = "127.0.0.1:7443";
  // "HOST:PORT" (see CheckMetricsListenAddress); port 0: any free one.
  std::string metrics_listen = "127.0.0.1:9415";
  // "HOST:PORT" (see CheckListenAddress); port 0: any free one; empty: nowhere. In plaintext
  // whatever it is: it tells probes whether the controller serves, and nothing else.
  std::string health_listen;
  // What /metrics shows; at most 8 domains.
  MetricsSettings metrics;
  // "sqlite:PATH".
  std::string store = "sqlite:/var/lib/hotplugger/controller.db";
  // Plaintext on addresses beyond loopback.
  bool insecure = false;
  // 1 to 1,000,000.
  size_t max_nodes = 20'000;
  // 100 ms to 10 min.
  absl::Duration ping_interval = absl::Seconds(20);
  // Where the ports are written once all serve; empty: nowhere.
  std::string port_file;
  // "FLEET@EPOCH"; empty: the store's own fleet.
  std::string take_over;

  // The path in `store`.
  std::string store_path() const;
};

// The options, or a text to print instead (--help, --version).
struct ParsedCommandLine {
  Options options;
  std::optional<std::string> text;
};

// INVALID_ARGUMENT with everything that is wrong.
absl::StatusOr<ParsedCommandLine> ParseCommandLine(int argc, const char* const* argv);

// The same checks for options that come from elsewhere.
absl::Status ValidateOptions(const Options& options);

}  // namespace hotplugger::server
