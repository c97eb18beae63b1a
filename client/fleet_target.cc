#include "client/fleet_target.h"

#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "client/context_file.h"
#include "client/controller_address.h"
#include "client/text.h"
#include "common/status_macros.h"

namespace hotplugger::client {
namespace {

constexpr char kDefaultController[] = "127.0.0.1:7443";
constexpr char kDefaultSocket[] = "/run/hotplugger/agent.sock";
constexpr absl::Duration kFleetTimeout = absl::Seconds(10);
// Longer than a fleet's: the agent answers when the driver has, and one by one.
constexpr absl::Duration kHostTimeout = absl::Seconds(60);

// Nothing where the address is from elsewhere, or no context is current.
absl::StatusOr<std::optional<Context>> ChosenContext(const ScopeFlags& flags,
                                                     const Surroundings& surroundings) {
  const bool by_variable = !surroundings.Variable("HOTPLUGGER_CONTROLLER").value_or("").empty();
  if (flags.controller || (by_variable && !flags.context)) return std::nullopt;
  const ContextFile file(ContextPath(surroundings));
  if (flags.context) {
    ASSIGN_OR_RETURN(const Contexts contexts, file.Read());
    ASSIGN_OR_RETURN(const Context context, FindContext(contexts, *flags.context, file.path()));
    return context;
  }
  if (file.path().empty()) return std::nullopt;
  ASSIGN_OR_RETURN(const Contexts contexts, file.Read());
  if (contexts.current.empty()) return std::nullopt;
  ASSIGN_OR_RETURN(const Context context, FindContext(contexts, contexts.current, file.path()));
  return context;
}

}  // namespace

absl::StatusOr<FleetTarget> ResolveFleetTarget(const ScopeFlags& flags,
                                               const Surroundings& surroundings) {
  ASSIGN_OR_RETURN(const std::optional<Context> context, ChosenContext(flags, surroundings));
  FleetTarget target;
  target.insecure = flags.insecure;
  if (context) {
    target.controller = context->controller;
    RETURN_IF_ERROR(CheckControllerAddress(absl::StrCat("the context ", Printable(context->name)),
                                           target.controller));
    target.insecure = target.insecure || context->insecure;
    target.call_timeout = flags.timeout.value_or(context->timeout.value_or(kFleetTimeout));
    return target;
  }
  const std::string variable = surroundings.Variable("HOTPLUGGER_CONTROLLER").value_or("");
  target.controller = flags.controller.value_or(variable.empty() ? kDefaultController : variable);
  target.call_timeout = flags.timeout.value_or(kFleetTimeout);
  RETURN_IF_ERROR(CheckControllerAddress(
      flags.controller ? "--controller" : "HOTPLUGGER_CONTROLLER", target.controller));
  return target;
}

HostTarget ResolveHostTarget(const ScopeFlags& flags) {
  return {flags.socket.value_or(kDefaultSocket), flags.timeout.value_or(kHostTimeout)};
}

}  // namespace hotplugger::client
