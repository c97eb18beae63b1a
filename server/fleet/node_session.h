// The protocol of one agent's stream: Hello first, then reports, receipts and signs of life.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "hotplugger/v1/link.pb.h"
#include "server/fleet/agent_totals.h"
#include "server/fleet/fleet_counters.h"
#include "server/fleet/fleet_identity.h"
#include "server/fleet/node_link.h"
#include "server/fleet/node_registry.h"
#include "server/fleet/operation_desk.h"

namespace hotplugger::server {

// Who is told what streams bring. Called from streams: must not block.
class FleetEvents {
 public:
  virtual ~FleetEvents() = default;

  // The node has connected and was sent its Welcome; it may have new labels.
  virtual void NodeConnected(const StreamKey& key) = 0;
  // The node may need its spec pushed.
  virtual void PushNeeded() = 0;
};

struct SessionOptions {
  // Outlives the sessions.
  const FleetIdentity* identity = nullptr;
  absl::Duration ping_interval = absl::Seconds(20);
};

// One stream's state machine. Calls come one after another, OnClosed last. Never blocks.
class NodeSession {
 public:
  NodeSession(NodeRegistry* registry, FleetEvents* events, OperationDesk* operations,
              FleetCounters* counters, AgentTotals* totals, SessionOptions options)
      : registry_(registry),
        events_(events),
        operations_(operations),
        counters_(counters),
        totals_(totals),
        options_(options) {}

  // Before all else. An error is what the stream is to be closed with, here and below; `link` is
  // the stream's own.
  absl::Status OnOpened(const std::shared_ptr<NodeLink>& link);

  absl::Status OnMessage(const v1::AgentMessage& message, const std::shared_ptr<NodeLink>& link);

  void OnClosed(const NodeLink* link);

 private:
  absl::Status OnHello(const v1::Hello& hello, const std::shared_ptr<NodeLink>& link);
  void OnInventory(const v1::Inventory& inventory);
  void OnSpecAck(const v1::SpecAck& ack);
  void RecordAck(const v1::SpecAck& ack);
  void OnReport(const v1::NodeReport& report);
  // Counts and logs a spec that the node gave up.
  void NoteGivenUp(const v1::NodeReport& report);
  void OnMetrics(const v1::MetricsSnapshot& snapshot);
  void OnOperationResult(const v1::NodeOperationResult& result);

  NodeRegistry* const registry_;
  FleetEvents* const events_;
  OperationDesk* const operations_;
  FleetCounters* const counters_;
  AgentTotals* const totals_;
  const SessionOptions options_;
  // Once Hello was taken.
  std::optional<StreamKey> key_;
  std::string instance_id_;
};

}  // namespace hotplugger::server
