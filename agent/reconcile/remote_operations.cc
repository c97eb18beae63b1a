#include "agent/reconcile/remote_operations.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/clock.h"
#include "common/error_info.h"
#include "common/log.h"
#include "common/rpc_status.h"

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

bool OnlyReads(const v1::Operation& operation) {
  return operation.has_list_drivers() || operation.has_list_conflicting_actors();
}

absl::Status TooLate() {
  return MakeError(
      absl::StatusCode::kDeadlineExceeded, "NOT_BEGUN",
      "the host was busy with other operations until the deadline, so this one was not "
      "begun; try again, or with a longer deadline");
}

}  // namespace

void RemoteOperations::Receive(const v1::NodeOperation& operation) {
  const absl::Time deadline = SteadyNow() + absl::Seconds(operation.deadline().seconds()) +
                              absl::Nanoseconds(operation.deadline().nanos());
  const absl::Status added = queue_.Add([this, operation, deadline] {
    if (SteadyNow() >= deadline) return Answer(operation.id(), Failed(TooLate()));
    Log(LogLevel::kInfo, "the controller asks for an operation",
        {{"id", operation.id()}, {"operation", operation.operation().ShortDebugString()}});
    v1::OperationResult result = Carry(operation.operation(), deadline - SteadyNow());
    if (!OnlyReads(operation.operation())) changed_();
    Answer(operation.id(), std::move(result));
  });
  if (!added.ok()) Answer(operation.id(), Failed(added));
}

v1::OperationResult RemoteOperations::Carry(const v1::Operation& operation, absl::Duration left) {
  const absl::Duration time = std::min(left, kSwitchDeadline);
  switch (operation.operation_case()) {
    case v1::Operation::kListDrivers:
      return Result(drivers_.ListDrivers(), &v1::OperationResult::mutable_list_drivers);
    case v1::Operation::kEnableDriver:
      return Result(drivers_.EnableDriver(operation.enable_driver().driver(), time),
                    &v1::OperationResult::mutable_enable_driver);
    case v1::Operation::kDisableDriver:
      return Result(drivers_.DisableDriver(operation.disable_driver().driver(), time),
                    &v1::OperationResult::mutable_disable_driver);
    case v1::Operation::kSwitchDrivers:
      return Result(drivers_.SwitchDrivers(operation.switch_drivers(), time),
                    &v1::OperationResult::mutable_switch_drivers);
    case v1::Operation::kSetSwitching:
      return Result(drivers_.SetSwitching(operation.set_switching().switching()),
                    &v1::OperationResult::mutable_set_switching);
    case v1::Operation::kRegisterDriver:
      return Result(drivers_.RegisterDriver(operation.register_driver().driver()),
                    &v1::OperationResult::mutable_register_driver);
    case v1::Operation::kUnregisterDriver:
      return Result(drivers_.UnregisterDriver(operation.unregister_driver().driver(), time),
                    &v1::OperationResult::mutable_unregister_driver);
    case v1::Operation::kListConflictingActors:
      return Result(drivers_.ListConflictingActors(),
                    &v1::OperationResult::mutable_list_conflicting_actors);
    case v1::Operation::OPERATION_NOT_SET:
      break;
  }
  return Failed(MakeError(absl::StatusCode::kUnimplemented, "UNKNOWN_OPERATION",
                          "this agent doesn't know that operation; it is older than the "
                          "controller, update it"));
}

void RemoteOperations::Answer(const std::string& id, v1::OperationResult result) {
  v1::NodeOperationResult answer;
  answer.set_id(id);
  *answer.mutable_result() = std::move(result);
  link_.SendOperationResult(answer);
}

}  // namespace hotplugger::agent
