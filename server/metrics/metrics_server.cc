#include "server/metrics/metrics_server.h"

#include <utility>

#include "common/metrics/process_collector.h"
#include "common/status_macros.h"
#include "server/metrics/agent_totals_collector.h"
#include "server/metrics/controller_collector.h"
#include "server/metrics/fleet_collector.h"
#include "server/metrics/service_discovery.h"
#include "server/metrics/spec_collector.h"

namespace hotplugger::server {
namespace {

// The common server, and all that it shows.
class ControllerMetrics final : public MetricsServer {
 public:
  explicit ControllerMetrics(MetricsParts parts)
      : registry_(parts.registry),
        fleet_(parts.registry, std::move(parts.settings)),
        specs_(parts.counters),
        totals_(parts.totals),
        controller_(
            {parts.epoch, std::move(parts.version), std::move(parts.fleet_id), parts.insecure},
            parts.store_timings, std::move(parts.store_size_bytes), parts.calls) {}

  absl::Status Start(const std::string& address, Clock& clock) {
    MetricsServerOptions options;
    options.address = address;
    MetricsPages pages;
    pages.collectables = {&fleet_, &specs_, &totals_, &controller_, &process_};
    pages.json["/sd"] = [this] { return DiscoverAgents(registry_); };
    ASSIGN_OR_RETURN(server_,
                     hotplugger::StartMetricsServer(std::move(options), std::move(pages), clock));
    return absl::OkStatus();
  }

  int port() const override { return server_->port(); }

 private:
  NodeRegistry* const registry_;
  const FleetCollector fleet_;
  const SpecCollector specs_;
  const AgentTotalsCollector totals_;
  const ControllerCollector controller_;
  const ProcessCollector process_;
  // Last, so that it ends first.
  std::unique_ptr<MetricsServer> server_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<MetricsServer>> StartMetricsServer(const std::string& address,
                                                                  MetricsParts parts) {
  Clock& clock = *parts.clock;
  auto server = std::make_unique<ControllerMetrics>(std::move(parts));
  RETURN_IF_ERROR(server->Start(address, clock));
  return server;
}

}  // namespace hotplugger::server
