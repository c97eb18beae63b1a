#include "server/metrics/metrics_server.h"

#include <prometheus/exposer.h>

#include <exception>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/error_info.h"
#include "server/metrics/fleet_collector.h"

namespace hotplugger::server {
namespace {

class MetricsServerImpl final : public MetricsServer {
 public:
  MetricsServerImpl(std::unique_ptr<prometheus::Exposer> exposer,
                    std::shared_ptr<FleetCollector> collector)
      : collector_(std::move(collector)), exposer_(std::move(exposer)) {
    exposer_->RegisterCollectable(collector_);
  }

  int port() const override {
    const std::vector<int> ports = exposer_->GetListeningPorts();
    return ports.empty() ? 0 : ports.front();
  }

 private:
  // Declared before the exposer, which must end first.
  const std::shared_ptr<FleetCollector> collector_;
  const std::unique_ptr<prometheus::Exposer> exposer_;
};

// A connection holds a thread until its request has come, or the time for that is over: so many
// that send nothing (a port scan, half-open ones) hold up nobody, and more than these for some
// seconds. The time is for writing an answer, too: of a large fleet it has megabytes.
std::vector<std::string> ExposerOptions(const std::string& address) {
  return {
      "listening_ports",   address, "num_threads",       "64", "request_timeout_ms", "3000",
      "linger_timeout_ms", "0",     "enable_keep_alive", "no",
  };
}

// civetweb takes numbers alone.
std::string NumericAddress(const std::string& address) {
  constexpr char kLocalhost[] = "localhost:";
  if (address.rfind(kLocalhost, 0) != 0) return address;
  return absl::StrCat("127.0.0.1:", address.substr(sizeof kLocalhost - 1));
}

}  // namespace

absl::StatusOr<std::unique_ptr<MetricsServer>> StartMetricsServer(const std::string& address,
                                                                  const MetricsParts& parts) {
  auto collector =
      std::make_shared<FleetCollector>(parts.registry, parts.counters, parts.epoch, parts.version);
  try {
    return std::make_unique<MetricsServerImpl>(
        std::make_unique<prometheus::Exposer>(ExposerOptions(NumericAddress(address))),
        std::move(collector));
  } catch (const std::exception& error) {
    return MakeError(absl::StatusCode::kUnavailable, "LISTEN_FAILED",
                     absl::StrCat("can't serve metrics on ", address, " (", error.what(),
                                  "): the address is in use or not this machine's; stop what "
                                  "listens there, or give --metrics-listen another address"),
                     {{"address", address}});
  }
}

}  // namespace hotplugger::server
