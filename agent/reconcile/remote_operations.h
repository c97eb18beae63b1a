// What the controller asks of this agent once, carried out in turn with everything else.
#pragma once

#include <functional>
#include <string>
#include <utility>

#include "agent/reconcile/controller_link.h"
#include "agent/reconcile/local_driver_operations.h"
#include "common/work_queue.h"
#include "hotplugger/v1/operation.pb.h"

namespace hotplugger::agent {

class RemoteOperations {
 public:
  // All outlive this and the queue's tasks. `changed` is called on the queue's thread after what
  // may have changed the host.
  RemoteOperations(LocalDriverOperations& drivers, WorkQueue& queue, ControllerLink& link,
                   std::function<void()> changed)
      : drivers_(drivers), queue_(queue), link_(link), changed_(std::move(changed)) {}

  // Answers exactly once, through the link: when it is done, or at once where the queue is full.
  // Never blocks; safe for concurrent use.
  void Receive(const v1::NodeOperation& operation);

 private:
  // Within what is `left` until its deadline.
  v1::OperationResult Carry(const v1::Operation& operation, absl::Duration left);
  void Answer(const std::string& id, v1::OperationResult result);

  LocalDriverOperations& drivers_;
  WorkQueue& queue_;
  ControllerLink& link_;
  const std::function<void()> changed_;
};

}  // namespace hotplugger::agent
