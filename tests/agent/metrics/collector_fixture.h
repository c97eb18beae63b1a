// A collector that has all to tell that an agent can.
#pragma once

#include <string>

#include "agent/counters/agent_counters.h"
#include "agent/metrics/agent_collector.h"
#include "agent/reconcile/observed_link.h"
#include "tests/fakes/proto_text.h"

namespace hotplugger::agent {

class CollectorWorld {
 public:
  // Four CPUs, three of them online; 6 blocks of 128 MiB, two of them offline; drivers; a
  // condition.
  static v1::Inventory Inventory() {
    return testing::FromText<v1::Inventory>(R"pb(
      drivers { name: "alucard" state: DRIVER_STATE_RUNNING }
      drivers { name: "bricked" state: DRIVER_STATE_STOPPED }
      drivers { name: "mute" state: DRIVER_STATE_UNKNOWN }
      cpus_present: "0-3"
      cpus_online: "0-2"
      memory { block_size_bytes: 134217728 blocks_present: "0-5" blocks_online: "0-3" }
      conditions { type: "STATE_NOT_SAVED" message: "the disk is full" }
    )pb");
  }
  static v1::NodeReport Report() {
    return testing::FromText<v1::NodeReport>(R"pb(
      digest: "d1"
      state: APPLY_STATE_APPLIED
      drift { subject: "cpu3" }
      drift { subject: "driver/alucard" }
    )pb");
  }

  // Something of everything.
  void CountAll() {
    counters.CountOperation(CountedKind::kCpu, CountedAction::kOffline, v1::OUTCOME_CHANGED, "");
    counters.CountOperation(CountedKind::kCpu, CountedAction::kOffline, v1::OUTCOME_REFUSED,
                            "LIMIT_MIN_ONLINE_CPUS");
    counters.CountOperation(CountedKind::kDriver, CountedAction::kStart, v1::OUTCOME_FAILED,
                            "DRIVER_DID_NOT_CHANGE");
    counters.CountDuration(CountedKind::kCpu, CountedAction::kOffline, absl::Milliseconds(20));
    counters.CountDrift("person");
    counters.CountUevents(5);
    counters.CountUeventOverflow();
  }

  v1::MetricsSnapshot Counted() {
    v1::MetricsSnapshot snapshot = counters.Snapshot();
    *snapshot.add_queues() = testing::FromText<v1::QueueUse>(
        R"pb(queue: "operation" length: 3 capacity: 256 refusals: 2)pb");
    *snapshot.add_queues() = testing::FromText<v1::QueueUse>(R"pb(queue: "query" capacity: 256)pb");
    return snapshot;
  }

  AgentCounters counters;
  ObservedLink news{nullptr};
  bool connected = true;
  AgentCollector collector{{.version = "1.2.3",
                            .kernel_release = "6.1.0-38",
                            .news = news,
                            .connected = [this] { return connected; },
                            .counted = [this] { return Counted(); }}};
};

}  // namespace hotplugger::agent
