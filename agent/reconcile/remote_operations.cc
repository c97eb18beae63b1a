#include "agent/reconcile/remote_operations.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "agent/reconcile/host_spec_plan.h"
#include "agent/reconcile/spec_trial.h"
#include "common/clock.h"
#include "common/error_info.h"
#include "common/log.h"
#include "common/operation_kind.h"
#include "common/rpc_status.h"
#include "common/status_macros.h"

namespace hotplugger::agent {
namespace {

v1::OperationResult Failed(const absl::Status& status) {
  v1::OperationResult result;
  *result.mutable_error() = ToRpcStatus(status);
  return result;
}

// `take` is the field of `result` that the answer belongs in.
template <typename Response>
v1::OperationResult Result(absl::StatusOr<Response> answer,
                           Response* (v1::OperationResult::*take)()) {
  if (!answer.ok()) return Failed(answer.status());
  v1::OperationResult result;
  *(result.*take)() = *std::move(answer);
  return result;
}

// Of an operation, so much is logged.
constexpr size_t kMaxLoggedBytes = 1024;

absl::Status Stopping() {
  return MakeError(absl::StatusCode::kUnavailable, "NOT_BEGUN",
                   "this host's agent is stopping, so the operation was not begun; try again once "
                   "it is back");
}

absl::Status TooLate() {
  return MakeError(
      absl::StatusCode::kDeadlineExceeded, "NOT_BEGUN",
      "the host was busy with other operations until the deadline, so this one was not "
      "begun; try again, or with a longer deadline");
}

}  // namespace

void RemoteOperations::NoteController(const ControllerIdentity& controller) {
  const absl::Status added = parts_.operation_queue.Add([this, controller] {
    const absl::Status taken = parts_.host.TakeController(controller);
    // Whatever this controller sends is checked again, so nothing depends on it.
    if (!taken.ok()) {
      Log(LogLevel::kWarning, "the controller's identity is not kept",
          {{"epoch", absl::StrCat(controller.epoch)}, {"cause", std::string(taken.message())}});
    }
  });
  if (!added.ok()) {
    Log(LogLevel::kWarning, "the controller's identity is not kept",
        {{"epoch", absl::StrCat(controller.epoch)}, {"cause", std::string(added.message())}});
  }
}

void RemoteOperations::Receive(const v1::NodeOperation& operation,
                               const ControllerIdentity& controller) {
  const absl::Time deadline = SteadyNow() + absl::Seconds(operation.deadline().seconds()) +
                              absl::Nanoseconds(operation.deadline().nanos());
  const bool asks = operation.operation().has_list_drivers();
  WorkQueue& queue = asks ? parts_.query_queue : parts_.operation_queue;
  const absl::Status added = queue.Add([this, operation, controller, deadline, asks] {
    Answer(operation.id(),
           asks ? Result(parts_.drivers.ListDrivers(), &v1::OperationResult::mutable_list_drivers)
                : Take(operation, controller, deadline));
  });
  if (!added.ok()) Answer(operation.id(), Failed(added));
}

v1::OperationResult RemoteOperations::Take(const v1::NodeOperation& operation,
                                           const ControllerIdentity& controller,
                                           absl::Time deadline) {
  if (parts_.stopping()) return Failed(Stopping());
  if (SteadyNow() >= deadline) return Failed(TooLate());
  const absl::Status taken = parts_.host.TakeController(controller);
  if (!taken.ok()) return Failed(taken);
  Log(LogLevel::kInfo, "the controller asks for an operation",
      {{"id", operation.id()},
       {"operation", operation.operation().ShortDebugString().substr(0, kMaxLoggedBytes)}});
  const absl::Duration time = std::min(deadline - SteadyNow(), kSwitchDeadline);
  v1::OperationResult result = Carry(operation.operation(), time);
  if (!OnlyReads(operation.operation())) parts_.changed();
  return result;
}

v1::OperationResult RemoteOperations::Carry(const v1::Operation& operation, absl::Duration time) {
  LocalDriverOperations& drivers = parts_.drivers;
  switch (operation.operation_case()) {
    case v1::Operation::kEnableDriver:
      return Result(drivers.EnableDriver(operation.enable_driver().driver(), time),
                    &v1::OperationResult::mutable_enable_driver);
    case v1::Operation::kDisableDriver:
      return Result(drivers.DisableDriver(operation.disable_driver().driver(), time),
                    &v1::OperationResult::mutable_disable_driver);
    case v1::Operation::kSwitchDrivers:
      return Result(drivers.SwitchDrivers(operation.switch_drivers(), time),
                    &v1::OperationResult::mutable_switch_drivers);
    case v1::Operation::kSetSwitching:
      return Result(drivers.SetSwitching(operation.set_switching().switching()),
                    &v1::OperationResult::mutable_set_switching);
    case v1::Operation::kRegisterDriver:
      return Result(drivers.RegisterDriver(operation.register_driver().driver()),
                    &v1::OperationResult::mutable_register_driver);
    case v1::Operation::kUnregisterDriver:
      return Result(drivers.UnregisterDriver(operation.unregister_driver().driver(), time),
                    &v1::OperationResult::mutable_unregister_driver);
    case v1::Operation::kListConflictingActors:
      return Result(drivers.ListConflictingActors(),
                    &v1::OperationResult::mutable_list_conflicting_actors);
    case v1::Operation::kExplainDevice:
      return Result(parts_.devices.ExplainDevice(operation.explain_device()),
                    &v1::OperationResult::mutable_explain_device);
    case v1::Operation::kPlanSpec:
      return Result(PlanSpecOn(parts_.host, operation.plan_spec()),
                    &v1::OperationResult::mutable_plan_spec);
    case v1::Operation::kRetrySpec:
      return Result(RetrySpec(operation.retry_spec()), &v1::OperationResult::mutable_retry_spec);
    // Receive has answered that.
    case v1::Operation::kListDrivers:
    case v1::Operation::OPERATION_NOT_SET:
      break;
  }
  return Failed(MakeError(absl::StatusCode::kUnimplemented, "UNKNOWN_OPERATION",
                          "this agent doesn't know that operation; it is older than the "
                          "controller, update it"));
}

absl::StatusOr<v1::RetrySpecResponse> RemoteOperations::RetrySpec(
    const v1::RetrySpecRequest& request) {
  ASSIGN_OR_RETURN(std::optional<v1::AgentState> forgiven,
                   ForgiveRejection(parts_.host.state(), request.digest()));
  v1::RetrySpecResponse response;
  if (!forgiven) return response;
  response.set_digest(parts_.host.state().rejected().digest());
  RETURN_IF_ERROR(parts_.host.SaveState(*std::move(forgiven)));
  // Before the answer: whoever reads that is not to hear of the rejection again.
  parts_.link.ForgetRejection();
  return response;
}

void RemoteOperations::Answer(const std::string& id, v1::OperationResult result) {
  v1::NodeOperationResult answer;
  answer.set_id(id);
  *answer.mutable_result() = std::move(result);
  parts_.link.SendOperationResult(answer);
}

}  // namespace hotplugger::agent
