// What the reconciler tells the controller, whoever carries it.
#pragma once

#include "hotplugger/v1/link.pb.h"
#include "hotplugger/v1/node.pb.h"

namespace hotplugger::agent {

// Safe for concurrent use; never blocks. Without a connection the newest message of each kind but
// the ack is kept and sent on the next one.
class ControllerLink {
 public:
  virtual ~ControllerLink() = default;

  // The receipt of a pushed spec; dropped if its stream is gone.
  virtual void SendAck(const v1::SpecAck& ack) = 0;
  virtual void SendReport(const v1::NodeReport& report) = 0;
  virtual void SendInventory(const v1::Inventory& inventory) = 0;
};

}  // namespace hotplugger::agent
