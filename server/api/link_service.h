#pragma once

#include <grpcpp/support/server_callback.h>

#include "hotplugger/v1/link_service.grpc.pb.h"
#include "server/fleet/node_session.h"

namespace hotplugger::server {

// Agents' streams. What it is given must outlive the server.
class LinkService final : public v1::LinkService::CallbackService {
 public:
  LinkService(NodeRegistry* registry, FleetEvents* events, OperationDesk* operations,
              FleetCounters* counters, AgentTotals* totals, SessionOptions options)
      : registry_(registry),
        events_(events),
        operations_(operations),
        counters_(counters),
        totals_(totals),
        options_(options) {}

  grpc::ServerBidiReactor<v1::AgentMessage, v1::ControllerMessage>* Connect(
      grpc::CallbackServerContext* context) override;

 private:
  NodeRegistry* const registry_;
  FleetEvents* const events_;
  OperationDesk* const operations_;
  FleetCounters* const counters_;
  AgentTotals* const totals_;
  const SessionOptions options_;
};

}  // namespace hotplugger::server
