#include <memory>

#include "absl/strings/str_cat.h"
#include "client/commands/fleet/set_hold.h"
#include "client/commands/fleet/verbs.h"

namespace hotplugger::client::fleet {
namespace {

struct Options {
  std::string node;
  std::string driver;
  std::string reason;
};

}  // namespace

Action DeclareSwitch(Arguments& arguments) {
  auto options = std::make_shared<Options>();
  arguments.Required("NODE", "the node's name", &options->node);
  arguments.Required("DRIVER", "the driver that is to run; those it conflicts with are stopped",
                     &options->driver);
  arguments.Option("--reason", "why, for the next person", &options->reason);
  return [options](Session& session) {
    v1::Hold hold;
    hold.set_node(options->node);
    hold.set_subject(absl::StrCat("driver/", options->driver));
    hold.set_state(v1::DEVICE_STATE_ONLINE);
    hold.set_reason(options->reason);
    return SetHold(hold, session);
  };
}

}  // namespace hotplugger::client::fleet
