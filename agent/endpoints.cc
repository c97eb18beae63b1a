#include "agent/endpoints.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "agent/reconcile/conditions.h"
#include "common/listen_address.h"
#include "common/log.h"
#include "common/status_macros.h"

namespace hotplugger::agent {
namespace {

// Few scrape a host, and each is answered in moments.
constexpr int kMetricsThreads = 16;

}  // namespace

void Endpoints::Start() {
  if (!parts_.options.metrics_listen.empty()) {
    metrics_listener_ = Listen([this] { return ServeMetrics(); }, kMetricsNotServed, "/metrics");
  }
  if (!parts_.options.health_listen.empty()) {
    health_listener_ =
        Listen([this] { return ServeHealth(); }, kHealthNotServed, "the health service");
  }
}

void Endpoints::Stop() {
  if (metrics_listener_ != nullptr) metrics_listener_->Stop();
  if (health_listener_ != nullptr) health_listener_->Stop();
}

std::unique_ptr<Listener> Endpoints::Listen(std::function<absl::Status()> listen,
                                            const char* condition, const char* what) {
  const auto succeeded = [this, condition, what] {
    Log(LogLevel::kInfo, absl::StrCat(what, " is served now"));
    parts_.mended(condition);
  };
  auto listener = std::make_unique<Listener>(std::move(listen), succeeded, parts_.make_ticker());
  const absl::Status first = listener->Start();
  if (!first.ok()) {
    Log(LogLevel::kError, absl::StrCat(what, " can't be served"),
        {{"cause", std::string(first.message())}});
    parts_.failed(condition,
                  absl::StrCat(what, " is not served: ", first.message(),
                               "; all else goes on, and the agent tries again each minute"));
  }
  return listener;
}

absl::Status Endpoints::ServeMetrics() {
  MetricsServerOptions options;
  options.address = parts_.options.metrics_listen;
  options.threads = kMetricsThreads;
  MetricsPages pages;
  pages.collectables = {&parts_.collector, &process_collector_};
  ASSIGN_OR_RETURN(std::unique_ptr<MetricsServer> server,
                   StartMetricsServer(std::move(options), std::move(pages), parts_.clock));
  MutexLock lock(&mutex_);
  metrics_server_ = std::move(server);
  return absl::OkStatus();
}

absl::Status Endpoints::ServeHealth() {
  ASSIGN_OR_RETURN(std::unique_ptr<HealthServer> server,
                   StartHealthServer(parts_.options.health_listen));
  MutexLock lock(&mutex_);
  server->SetServing(serving_);
  health_server_ = std::move(server);
  return absl::OkStatus();
}

void Endpoints::SetServing(bool serving) {
  MutexLock lock(&mutex_);
  serving_ = serving;
  if (health_server_ != nullptr) health_server_->SetServing(serving);
}

std::string Endpoints::MetricsAddress() const {
  const AgentOptions& options = parts_.options;
  if (options.metrics_listen.empty()) return "";
  if (!options.metrics_address.empty()) return options.metrics_address;
  return ReachedAddress(options.metrics_listen, metrics_port(), options.node);
}

int Endpoints::metrics_port() const {
  MutexLock lock(&mutex_);
  return metrics_server_ == nullptr ? 0 : metrics_server_->port();
}

int Endpoints::health_port() const {
  MutexLock lock(&mutex_);
  return health_server_ == nullptr ? 0 : health_server_->port();
}

}  // namespace hotplugger::agent
