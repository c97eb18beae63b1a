#include "server/api/link_service.h"

#include <memory>

#include "server/api/node_stream.h"

namespace hotplugger::server {

grpc::ServerBidiReactor<v1::AgentMessage, v1::ControllerMessage>* LinkService::Connect(
    grpc::CallbackServerContext* /*context*/) {
  return NodeStream::Start(
      std::make_unique<NodeSession>(registry_, events_, operations_, counters_, totals_, options_));
}

}  // namespace hotplugger::server
