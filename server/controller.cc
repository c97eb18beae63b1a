#include "server/controller.h"

#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/error_info.h"
#include "common/log.h"
#include "common/random_id.h"
#include "common/status_macros.h"
#include "common/version.h"
#include "server/port_file.h"
#include "server/store/sqlite_store.h"
#include "server/store/timed_store.h"

namespace hotplugger::server {
namespace {

// How long calls may go on once the end has begun.
constexpr absl::Duration kShutdownGrace = absl::Seconds(5);
// A hold lapses at most so much too late.
constexpr absl::Duration kLapseInterval = absl::Seconds(1);

}  // namespace

absl::StatusOr<std::unique_ptr<Controller>> Controller::Create(const Options& options) {
  RETURN_IF_ERROR(ValidateOptions(options));
  std::unique_ptr<Controller> controller(new Controller(options));
  const absl::Status started = controller->Start(options);
  if (started.ok()) return controller;
  controller->ForgetStart();
  return started;
}

absl::Status Controller::Start(const Options& options) {
  ASSIGN_OR_RETURN(std::vector<CallCounters::Method> methods, ServedMethods());
  calls_ = std::make_unique<CallCounters>(std::move(methods));
  RETURN_IF_ERROR(OpenStore(options));
  RETURN_IF_ERROR(TakeIdentity(options));
  state_ = std::make_unique<FleetState>(records_.get(), &registry_, &clock_, &counters_, &feed_,
                                        &events_);
  RETURN_IF_ERROR(state_->Load());
  audit_feed_ = std::make_unique<AuditFeed>(records_.get());
  changes_ = std::make_unique<ChangeLog>(records_.get(), &clock_, AuditLimits(), audit_feed_.get());
  RETURN_IF_ERROR(changes_->Load());
  engine_ = std::make_unique<FleetEngine>(state_.get(), changes_.get(), &counters_, epoch());
  operations_ = std::make_unique<OperationDesk>(&registry_, epoch());
  RETURN_IF_ERROR(ServeMetrics(options));
  if (!options.health_listen.empty()) {
    ASSIGN_OR_RETURN(health_server_, StartHealthServer(options.health_listen));
  }
  // As late as can be, and yet before anybody is told of it.
  RETURN_IF_ERROR(records_->PutIdentity(identity_now_, identity_revision_));
  RETURN_IF_ERROR(ServeGrpc(options));
  liveness_timer_ = std::make_unique<LivenessTimer>(&registry_, epoch(), options.ping_interval);
  lapse_ticker_.Start(kLapseInterval, [this] { engine_->LapseHolds(); });
  if (!options.port_file.empty()) {
    RETURN_IF_ERROR(WritePortFile(options.port_file, grpc_port_, metrics_port_, health_port()));
  }
  if (health_server_ != nullptr) health_server_->SetServing(true);
  return absl::OkStatus();
}

absl::Status Controller::OpenStore(const Options& options) {
  ASSIGN_OR_RETURN(std::unique_ptr<SqliteStore> store, SqliteStore::Open(options.store_path()));
  store_size_ = [files = store.get()] { return files->SizeBytes(); };
  store_ = std::make_unique<TimedStore>(std::move(store), &store_timings_, &steady_clock_);
  records_ = std::make_unique<Records>(store_.get());
  return absl::OkStatus();
}

absl::Status Controller::ServeMetrics(const Options& options) {
  MetricsParts parts;
  parts.registry = &registry_;
  parts.counters = &counters_;
  parts.totals = &totals_;
  parts.store_timings = &store_timings_;
  parts.store_size_bytes = store_size_;
  parts.calls = calls_.get();
  parts.clock = &steady_clock_;
  parts.epoch = epoch();
  parts.version = kVersion;
  parts.fleet_id = fleet_id();
  parts.insecure = options.insecure;
  parts.settings = options.metrics;
  ASSIGN_OR_RETURN(metrics_server_, StartMetricsServer(options.metrics_listen, std::move(parts)));
  metrics_port_ = metrics_server_->port();
  return absl::OkStatus();
}

absl::Status Controller::ServeGrpc(const Options& options) {
  GrpcServerParts parts;
  parts.engine = engine_.get();
  parts.registry = &registry_;
  parts.operations = operations_.get();
  parts.counters = &counters_;
  parts.totals = &totals_;
  parts.calls = calls_.get();
  parts.feed = &feed_;
  parts.events = &events_;
  parts.audit = audit_feed_.get();
  parts.session = {identity_.get(), options.ping_interval};
  ASSIGN_OR_RETURN(grpc_server_, StartGrpcServer(options.listen, parts));
  grpc_port_ = grpc_server_->port();
  return absl::OkStatus();
}

absl::Status Controller::TakeIdentity(const Options& options) {
  ASSIGN_OR_RETURN(Record<v1::StoreIdentity> stored, records_->GetIdentity());
  std::optional<TakeOver> take_over;
  if (!options.take_over.empty()) {
    ASSIGN_OR_RETURN(take_over, ParseTakeOver(options.take_over));
  }
  ASSIGN_OR_RETURN(const int64_t revision, records_->Revision());
  identity_before_ = stored.message;
  v1::StoreIdentity identity = NextStart(std::move(stored.message), take_over, revision, RandomId);
  identity_revision_ = stored.mod_revision;
  identity_ = std::make_unique<FleetIdentity>(identity);
  identity_now_ = std::move(identity);
  return absl::OkStatus();
}

void Controller::ForgetStart() {
  // Once it serves, agents may have obeyed it.
  if (grpc_server_ != nullptr || identity_ == nullptr || identity_before_.starts().empty()) return;
  const auto stored = records_->GetIdentity();
  // One that ended earlier was never counted.
  if (stored.ok() && stored->mod_revision == identity_revision_) return;
  const absl::Status forgotten =
      stored.ok() ? records_->PutIdentity(WithoutStart(identity_before_, identity_now_),
                                          stored->mod_revision)
                  : stored.status();
  if (!forgotten.ok()) {
    Log(LogLevel::kWarning, "a start that came to nothing is counted",
        {{"epoch", absl::StrCat(epoch())}, {"cause", std::string(forgotten.message())}});
  }
}

void Controller::Shutdown() {
  if (health_server_ != nullptr) health_server_->SetServing(false);
  if (grpc_server_ != nullptr) grpc_server_->LeaveService();
  if (liveness_timer_ != nullptr) liveness_timer_->Stop();
  lapse_ticker_.Stop();
  feed_.Stop();
  events_.Stop();
  if (audit_feed_ != nullptr) audit_feed_->Stop();
  if (operations_ != nullptr) operations_->Stop();
  registry_.CloseAll(MakeError(absl::StatusCode::kUnavailable, "SHUTTING_DOWN",
                               "the controller is shutting down; try again later"));
  if (grpc_server_ != nullptr) grpc_server_->Shutdown(kShutdownGrace);
  // What was accepted is stored and answered, and what calls that have ended came to is logged.
  if (engine_ != nullptr) engine_->Stop();
  // Last, so that the end can be watched.
  metrics_server_.reset();
  health_server_.reset();
}

}  // namespace hotplugger::server
