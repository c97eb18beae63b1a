// The composition root: owns every part of the controller, and the order in which they start and
// stop.
#pragma once

#include <functional>
#include <memory>

#include "absl/status/statusor.h"
#include "common/clock.h"
#include "common/ticker.h"
#include "common/transport/health_server.h"
#include "server/api/call_counters.h"
#include "server/api/grpc_server.h"
#include "server/audit/audit_feed.h"
#include "server/fleet/agent_totals.h"
#include "server/fleet/change_log.h"
#include "server/fleet/event_log.h"
#include "server/fleet/fleet_counters.h"
#include "server/fleet/fleet_engine.h"
#include "server/fleet/fleet_identity.h"
#include "server/fleet/fleet_state.h"
#include "server/fleet/liveness_timer.h"
#include "server/fleet/node_registry.h"
#include "server/metrics/metrics_server.h"
#include "server/options.h"
#include "server/store/records.h"
#include "server/store/store.h"
#include "server/store/store_timings.h"

namespace hotplugger::server {

// A running controller. For one thread, and none of gRPC's.
class Controller {
 public:
  // Opens the store, takes a new epoch and serves. What fails says which part and why.
  static absl::StatusOr<std::unique_ptr<Controller>> Create(const Options& options);

  ~Controller() { Shutdown(); }
  Controller(const Controller&) = delete;
  Controller& operator=(const Controller&) = delete;

  int grpc_port() const { return grpc_port_; }
  int metrics_port() const { return metrics_port_; }
  // 0 where there is none.
  int health_port() const { return health_server_ == nullptr ? 0 : health_server_->port(); }
  uint64_t epoch() const { return identity_->epoch(); }
  const std::string& fleet_id() const { return identity_->fleet_id(); }

  // Finishes what was accepted, tells every agent, and ends within seconds. May be called again.
  void Shutdown();

 private:
  explicit Controller(const Options& options)
      : registry_(&clock_, &steady_clock_, options.max_nodes, &feed_, &events_, &counters_,
                  &totals_) {}

  absl::Status Start(const Options& options);
  absl::Status OpenStore(const Options& options);
  absl::Status ServeMetrics(const Options& options);
  absl::Status ServeGrpc(const Options& options);
  // Reads which fleet the store is of, and what one more start makes of that.
  absl::Status TakeIdentity(const Options& options);
  // One that came to nothing is not counted: a controller that can't listen may be started for
  // days.
  void ForgetStart();

  // In order of construction; each uses those before it.
  SystemClock clock_;
  SteadyClock steady_clock_;
  FleetCounters counters_;
  AgentTotals totals_;
  StoreTimings store_timings_;
  ChangeFeed feed_;
  EventLog events_{&clock_};
  NodeRegistry registry_;
  std::unique_ptr<CallCounters> calls_;
  std::unique_ptr<Store> store_;
  // Of the store's files.
  std::function<int64_t()> store_size_;
  std::unique_ptr<Records> records_;
  // The store's before this start, the revision of that record, and what is kept once it serves.
  v1::StoreIdentity identity_before_;
  int64_t identity_revision_ = 0;
  v1::StoreIdentity identity_now_;
  std::unique_ptr<FleetIdentity> identity_;
  std::unique_ptr<FleetState> state_;
  std::unique_ptr<AuditFeed> audit_feed_;
  std::unique_ptr<ChangeLog> changes_;
  std::unique_ptr<FleetEngine> engine_;
  std::unique_ptr<OperationDesk> operations_;
  std::unique_ptr<MetricsServer> metrics_server_;
  // Null where none is asked for.
  std::unique_ptr<HealthServer> health_server_;
  std::unique_ptr<GrpcServer> grpc_server_;
  std::unique_ptr<LivenessTimer> liveness_timer_;
  ThreadTicker lapse_ticker_;
  int grpc_port_ = 0;
  int metrics_port_ = 0;
};

}  // namespace hotplugger::server
