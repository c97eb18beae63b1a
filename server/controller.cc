#include "server/controller.h"

#include "common/error_info.h"
#include "common/status_macros.h"
#include "common/version.h"
#include "server/port_file.h"
#include "server/store/sqlite_store.h"

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
  RETURN_IF_ERROR(controller->Start(options));
  return controller;
}

absl::Status Controller::Start(const Options& options) {
  ASSIGN_OR_RETURN(store_, SqliteStore::Open(options.store_path()));
  records_ = std::make_unique<Records>(store_.get());
  ASSIGN_OR_RETURN(epoch_, records_->NextEpoch());
  state_ = std::make_unique<FleetState>(records_.get(), &registry_, &clock_, &counters_, &feed_);
  RETURN_IF_ERROR(state_->Load());
  changes_ = std::make_unique<ChangeLog>(records_.get(), &clock_);
  RETURN_IF_ERROR(changes_->Load());
  engine_ = std::make_unique<FleetEngine>(state_.get(), changes_.get(), &counters_, epoch_);
  operations_ = std::make_unique<OperationDesk>(&registry_, epoch_);
  ASSIGN_OR_RETURN(metrics_server_, StartMetricsServer(options.metrics_listen,
                                                       {&registry_, &counters_, epoch_, kVersion}));
  metrics_port_ = metrics_server_->port();
  ASSIGN_OR_RETURN(grpc_server_,
                   StartGrpcServer(options.listen, {engine_.get(),
                                                    &registry_,
                                                    operations_.get(),
                                                    &counters_,
                                                    &feed_,
                                                    {epoch_, options.ping_interval}}));
  grpc_port_ = grpc_server_->port();
  liveness_timer_ = std::make_unique<LivenessTimer>(&registry_, epoch_, options.ping_interval);
  lapse_ticker_.Start(kLapseInterval, [this] { engine_->LapseHolds(); });
  if (!options.port_file.empty()) {
    RETURN_IF_ERROR(WritePortFile(options.port_file, grpc_port_, metrics_port_));
  }
  return absl::OkStatus();
}

void Controller::Shutdown() {
  if (grpc_server_ != nullptr) grpc_server_->LeaveService();
  if (liveness_timer_ != nullptr) liveness_timer_->Stop();
  lapse_ticker_.Stop();
  feed_.Stop();
  if (operations_ != nullptr) operations_->Stop();
  registry_.CloseAll(MakeError(absl::StatusCode::kUnavailable, "SHUTTING_DOWN",
                               "the controller is shutting down; try again later"));
  if (grpc_server_ != nullptr) grpc_server_->Shutdown(kShutdownGrace);
  // What was accepted is stored and answered, and what calls that have ended came to is logged.
  if (engine_ != nullptr) engine_->Stop();
  // Last, so that the end can be watched.
  metrics_server_.reset();
}

}  // namespace hotplugger::server
