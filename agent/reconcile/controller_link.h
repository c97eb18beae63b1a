// What the reconciler tells the controller, whoever carries it.
#pragma once

#include <cstdint>

#include "hotplugger/v1/link.pb.h"
#include "hotplugger/v1/node.pb.h"

namespace hotplugger::agent {

// Safe for concurrent use; never blocks. The newest report, rejection and inventory are kept and
// sent on every new connection; all else is dropped where there is none.
class ControllerLink {
 public:
  virtual ~ControllerLink() = default;

  // The receipt of a pushed spec; dropped if its stream is gone.
  virtual void SendAck(const v1::SpecAck& ack) = 0;
  // The answer to a NodeOperation; dropped if its stream is gone, which the controller knows.
  virtual void SendOperationResult(const v1::NodeOperationResult& result) = 0;
  virtual void SendReport(const v1::NodeReport& report) = 0;
  // Of a spec that was given up (REVERTED, QUARANTINED), beside the reports of the one in force.
  virtual void SendRejection(const v1::NodeReport& report) = 0;
  // It is not sent again.
  virtual void ForgetRejection() = 0;
  virtual void SendInventory(const v1::Inventory& inventory) = 0;
  // A spec has been taken that came with this epoch and store_revision: each later Hello says so.
  virtual void NoteSpecTaken(uint64_t epoch, int64_t store_revision) = 0;
};

}  // namespace hotplugger::agent
