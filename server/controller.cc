#include "server/controller.h"

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/error_info.h"
#include "common/log.h"
#include "common/random_id.h"
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
  const absl::Status started = controller->Start(options);
  if (started.ok()) return controller;
  controller->ForgetStart();
  return started;
}

absl::Status Controller::Start(const Options& options) {
  ASSIGN_OR_RETURN(store_, SqliteStore::Open(options.store_path()));
  records_ = std::make_unique<Records>(store_.get());
  RETURN_IF_ERROR(TakeIdentity(options));
  state_ = std::make_unique<FleetState>(records_.get(), &registry_, &clock_, &counters_, &feed_,
                                        &events_);
  RETURN_IF_ERROR(state_->Load());
  audit_feed_ = std::make_unique<AuditFeed>(records_.get());
  changes_ = std::make_unique<ChangeLog>(records_.get(), &clock_, AuditLimits(), audit_feed_.get());
  RETURN_IF_ERROR(changes_->Load());
  engine_ = std::make_unique<FleetEngine>(state_.get(), changes_.get(), &counters_, epoch());
  operations_ = std::make_unique<OperationDesk>(&registry_, epoch());
  ASSIGN_OR_RETURN(
      metrics_server_,
      StartMetricsServer(options.metrics_listen, {&registry_, &counters_, epoch(), kVersion}));
  metrics_port_ = metrics_server_->port();
  // As late as can be, and yet before anybody is told of it.
  RETURN_IF_ERROR(records_->PutIdentity(identity_now_, identity_revision_));
  ASSIGN_OR_RETURN(grpc_server_,
                   StartGrpcServer(options.listen, {engine_.get(),
                                                    &registry_,
                                                    operations_.get(),
                                                    &counters_,
                                                    &feed_,
                                                    &events_,
                                                    audit_feed_.get(),
                                                    {identity_.get(), options.ping_interval}}));
  grpc_port_ = grpc_server_->port();
  liveness_timer_ = std::make_unique<LivenessTimer>(&registry_, epoch(), options.ping_interval);
  lapse_ticker_.Start(kLapseInterval, [this] { engine_->LapseHolds(); });
  if (!options.port_file.empty()) {
    RETURN_IF_ERROR(WritePortFile(options.port_file, grpc_port_, metrics_port_));
  }
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
}

}  // namespace hotplugger::server
