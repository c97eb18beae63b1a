#include "server/fleet/liveness_timer.h"

#include "absl/strings/str_cat.h"
#include "common/clock.h"
#include "common/error_info.h"
#include "common/log.h"

namespace hotplugger::server {
namespace {

// The fleet is pinged in so many parts an interval, so that pings don't come in bursts.
constexpr uint64_t kShards = 10;

}  // namespace

LivenessTimer::LivenessTimer(NodeRegistry* registry, uint64_t epoch, absl::Duration interval)
    : registry_(registry), epoch_(epoch), interval_(interval), thread_([this] { Run(); }) {}

void LivenessTimer::Stop() {
  {
    MutexLock lock(&mutex_);
    stopped_ = true;
    changed_.NotifyAll();
  }
  if (thread_.joinable()) thread_.join();
}

void LivenessTimer::Run() {
  for (uint64_t sequence = 1;; ++sequence) {
    {
      const absl::Time next = SteadyNow() + interval_ / static_cast<int64_t>(kShards);
      MutexLock lock(&mutex_);
      while (!stopped_ && SteadyNow() < next) changed_.WaitUntil(&mutex_, next);
      if (stopped_) return;
    }
    RunPingRound(registry_, epoch_, sequence, kShards);
  }
}

void RunPingRound(NodeRegistry* registry, uint64_t epoch, uint64_t sequence, uint64_t shards) {
  NodeRegistry::PingRound round = registry->TakePingRound(sequence % shards, shards);
  for (const auto& link : round.dead) {
    link->Close(MakeError(
        absl::StatusCode::kUnavailable, "NODE_SILENT",
        absl::StrCat("no message came for ", NodeRegistry::kMissedPings, " pings; connect again")));
  }
  if (!round.dead.empty()) {
    Log(LogLevel::kWarning, "silent streams ended", {{"count", absl::StrCat(round.dead.size())}});
  }
  v1::ControllerMessage message;
  message.set_epoch(epoch);
  message.mutable_ping()->set_sequence(sequence);
  message.mutable_ping()->set_wants_metrics(true);
  for (const auto& link : round.ping) link->Send(message);
}

}  // namespace hotplugger::server
