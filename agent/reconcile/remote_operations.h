// What the controller asks of this agent once, carried out in turn with everything else.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "agent/reconcile/controller_identity.h"
#include "agent/reconcile/controller_link.h"
#include "agent/reconcile/host.h"
#include "agent/reconcile/local_device_operations.h"
#include "agent/reconcile/local_driver_operations.h"
#include "common/work_queue.h"
#include "hotplugger/v1/operation.pb.h"

namespace hotplugger::agent {

// Safe for concurrent use; nothing blocks the caller.
class RemoteOperations {
 public:
  struct Parts {
    Host& host;
    LocalDeviceOperations& devices;
    LocalDriverOperations& drivers;
    WorkQueue& operation_queue;
    // For what only asks and need not wait for operations.
    WorkQueue& query_queue;
    ControllerLink& link;
    // Called on the operation queue's thread after what may have changed the host.
    std::function<void()> changed;
    // The agent is stopping: what has not begun does not begin.
    std::function<bool()> stopping;
  };

  // All parts outlive this and the queues' tasks.
  explicit RemoteOperations(Parts parts) : parts_(std::move(parts)) {}

  // Keeps which controller has welcomed this agent.
  void NoteController(const ControllerIdentity& controller);

  // Answers exactly once, through the link: when it is done, or at once where the queue is full.
  void Receive(const v1::NodeOperation& operation, const ControllerIdentity& controller);

 private:
  v1::OperationResult Take(const v1::NodeOperation& operation, const ControllerIdentity& controller,
                           absl::Time deadline);
  v1::OperationResult Carry(const v1::Operation& operation, absl::Duration time);
  // What was given up may be pushed again, and is tried anew.
  absl::StatusOr<v1::RetrySpecResponse> RetrySpec(const v1::RetrySpecRequest& request);
  void Answer(const std::string& id, v1::OperationResult result);

  const Parts parts_;
};

}  // namespace hotplugger::agent
