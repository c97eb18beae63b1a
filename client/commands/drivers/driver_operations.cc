#include "client/commands/drivers/driver_operations.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/driver_rules.h"
#include "common/error_info.h"
#include "common/status_macros.h"

namespace hotplugger::client {
namespace {

// One that takes a driver's name; `name` is where it goes.
template <typename Name>
MakeOperation DeclareNamed(Arguments& arguments, const char* help, Name name) {
  auto operation = std::make_shared<v1::Operation>();
  const std::string* const driver = name(*operation);
  arguments.Required("DRIVER", help, name(*operation));
  return [operation, driver]() -> absl::StatusOr<v1::Operation> {
    RETURN_IF_ERROR(ValidateDriverName(*driver));
    return *operation;
  };
}

}  // namespace

MakeOperation DeclareEnableOperation(Arguments& arguments) {
  return DeclareNamed(
      arguments, "the driver that is to run; those it conflicts with are stopped",
      [](v1::Operation& operation) { return operation.mutable_enable_driver()->mutable_driver(); });
}

MakeOperation DeclareDisableOperation(Arguments& arguments) {
  return DeclareNamed(arguments, "the driver that is to be stopped", [](v1::Operation& operation) {
    return operation.mutable_disable_driver()->mutable_driver();
  });
}

MakeOperation DeclareRegisterOperation(Arguments& arguments) {
  return DeclareNamed(arguments, "a driver of the kernel, of drivers.d or of the agent",
                      [](v1::Operation& operation) {
                        return operation.mutable_register_driver()->mutable_driver();
                      });
}

MakeOperation DeclareUnregisterOperation(Arguments& arguments) {
  return DeclareNamed(arguments, "the driver that is to be stopped and left alone from then on",
                      [](v1::Operation& operation) {
                        return operation.mutable_unregister_driver()->mutable_driver();
                      });
}

MakeOperation DeclareSwitchOperation(Arguments& arguments) {
  struct Drivers {
    std::vector<std::string> active;
    std::vector<std::string> stopped;
  };
  auto drivers = std::make_shared<Drivers>();
  arguments.Rest("DRIVER", "these run; any other is stopped unless whitelists spare it",
                 &drivers->active);
  arguments.RepeatedOption("--stop", "stop this driver whatever the whitelists say",
                           &drivers->stopped);
  return [drivers]() -> absl::StatusOr<v1::Operation> {
    if (drivers->active.empty() && drivers->stopped.empty()) {
      return MakeError(absl::StatusCode::kInvalidArgument, "NO_DRIVER",
                       "no driver is named; give those that are to run, or --stop NAME");
    }
    for (const auto* names : {&drivers->active, &drivers->stopped}) {
      for (const std::string& name : *names) RETURN_IF_ERROR(ValidateDriverName(name));
    }
    v1::Operation operation;
    v1::SwitchDriversRequest& request = *operation.mutable_switch_drivers();
    request.mutable_active()->Add(drivers->active.begin(), drivers->active.end());
    request.mutable_stopped()->Add(drivers->stopped.begin(), drivers->stopped.end());
    return operation;
  };
}

MakeOperation DeclareSwitchingOperation(Arguments& arguments) {
  auto wanted = std::make_shared<std::string>();
  arguments.Required("STATE", "whether drivers may be changed at all", wanted.get(), {"on", "off"});
  return [wanted] {
    v1::Operation operation;
    operation.mutable_set_switching()->set_switching(*wanted == "on" ? v1::SWITCH_ON
                                                                     : v1::SWITCH_OFF);
    return operation;
  };
}

absl::StatusOr<v1::OperationResult> CarryOut(const v1::Operation& operation, HostClient& host) {
  v1::OperationResult result;
  switch (operation.operation_case()) {
    case v1::Operation::kListDrivers: {
      ASSIGN_OR_RETURN(*result.mutable_list_drivers(), host.ListDrivers(operation.list_drivers()));
      return result;
    }
    case v1::Operation::kEnableDriver: {
      ASSIGN_OR_RETURN(*result.mutable_enable_driver(),
                       host.EnableDriver(operation.enable_driver()));
      return result;
    }
    case v1::Operation::kDisableDriver: {
      ASSIGN_OR_RETURN(*result.mutable_disable_driver(),
                       host.DisableDriver(operation.disable_driver()));
      return result;
    }
    case v1::Operation::kSwitchDrivers: {
      ASSIGN_OR_RETURN(*result.mutable_switch_drivers(),
                       host.SwitchDrivers(operation.switch_drivers()));
      return result;
    }
    case v1::Operation::kSetSwitching: {
      ASSIGN_OR_RETURN(*result.mutable_set_switching(),
                       host.SetSwitching(operation.set_switching()));
      return result;
    }
    case v1::Operation::kRegisterDriver: {
      ASSIGN_OR_RETURN(*result.mutable_register_driver(),
                       host.RegisterDriver(operation.register_driver()));
      return result;
    }
    case v1::Operation::kUnregisterDriver: {
      ASSIGN_OR_RETURN(*result.mutable_unregister_driver(),
                       host.UnregisterDriver(operation.unregister_driver()));
      return result;
    }
    case v1::Operation::kListConflictingActors: {
      ASSIGN_OR_RETURN(*result.mutable_list_conflicting_actors(),
                       host.ListConflictingActors(operation.list_conflicting_actors()));
      return result;
    }
    case v1::Operation::kExplainDevice: {
      ASSIGN_OR_RETURN(*result.mutable_explain_device(),
                       host.ExplainDevice(operation.explain_device()));
      return result;
    }
    // Specs are the controller's.
    case v1::Operation::kPlanSpec:
    case v1::Operation::kRetrySpec:
    case v1::Operation::OPERATION_NOT_SET:
      break;
  }
  return absl::InternalError("an operation that this version doesn't know");
}

}  // namespace hotplugger::client
