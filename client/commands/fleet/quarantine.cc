#include <memory>
#include <string>

#include "client/commands/fleet/core_subject.h"
#include "client/commands/fleet/hold_options.h"
#include "client/commands/fleet/set_hold.h"
#include "client/commands/fleet/verbs.h"
#include "common/status_macros.h"

namespace hotplugger::client::fleet {
namespace {

struct Options {
  std::string node;
  std::string cpu;
  HoldOptions hold;
};

absl::StatusOr<ExitCode> Quarantine(const Options& options, Session& session) {
  // Wrong flags come first: they need nobody.
  ASSIGN_OR_RETURN(v1::Hold hold, MakeHold(options.node, options.cpu, v1::DEVICE_STATE_OFFLINE,
                                           options.hold, session));
  ASSIGN_OR_RETURN(*hold.mutable_subject(), CoreSubject(options.node, options.cpu, session));
  return SetHold(hold, options.hold.change, session);
}

}  // namespace

Action DeclareQuarantine(Arguments& arguments) {
  auto options = std::make_shared<Options>();
  arguments.Required("NODE", "the node's name", &options->node);
  arguments.Required("CPU", "any CPU of the core, e.g. cpu5; or the core, core/PACKAGE-DIE-CORE",
                     &options->cpu);
  DeclareHoldOptions(arguments, &options->hold);
  return [options](Session& session) { return Quarantine(*options, session); };
}

}  // namespace hotplugger::client::fleet
