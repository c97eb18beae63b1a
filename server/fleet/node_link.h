// The way to a connected node, whatever carries it.
#pragma once

#include "absl/status/status.h"
#include "hotplugger/v1/link.pb.h"

namespace hotplugger::server {

// Safe for concurrent use. Never blocks and never calls back into the caller.
class NodeLink {
 public:
  virtual ~NodeLink() = default;

  // Sends `message` when the one before has left; of each kind (welcome, spec, ping,
  // operation) only the newest waits. Nothing happens once the link is closed.
  virtual void Send(const v1::ControllerMessage& message) = 0;

  // Ends the stream with `status`; the first call counts.
  virtual void Close(const absl::Status& status) = 0;
};

}  // namespace hotplugger::server
