#include "client/commands/fleet/set_hold.h"
#include "client/commands/fleet/verbs.h"

namespace hotplugger::client::fleet {

Action DeclareOffline(Arguments& arguments) {
  return DeclareDeviceHold(arguments, v1::DEVICE_STATE_OFFLINE);
}

}  // namespace hotplugger::client::fleet
