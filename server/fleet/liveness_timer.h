// Pings every connected node once an interval and ends the streams that stay silent.
#pragma once

#include <cstdint>
#include <thread>

#include "absl/time/time.h"
#include "common/mutex.h"
#include "server/fleet/node_registry.h"

namespace hotplugger::server {

// One thread. Counts unanswered pings rather than clock time, so that a clock that jumps ends no
// stream.
class LivenessTimer {
 public:
  LivenessTimer(NodeRegistry* registry, uint64_t epoch, absl::Duration interval);
  ~LivenessTimer() { Stop(); }
  LivenessTimer(const LivenessTimer&) = delete;
  LivenessTimer& operator=(const LivenessTimer&) = delete;

  // Joins the thread. May be called again.
  void Stop();

 private:
  void Run();

  NodeRegistry* const registry_;
  const uint64_t epoch_;
  const absl::Duration interval_;
  Mutex mutex_;
  CondVar changed_;
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

// One round: what the timer does at each tick for one of `shards` parts of the fleet. `sequence`
// goes into the pings.
void RunPingRound(NodeRegistry* registry, uint64_t epoch, uint64_t sequence, uint64_t shards);

}  // namespace hotplugger::server
