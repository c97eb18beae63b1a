#include "client/commands/fleet/set_hold.h"
#include "client/commands/fleet/verbs.h"

namespace hotplugger::client::fleet {

Action DeclareOnline(Arguments& arguments) {
  return DeclareDeviceHold(arguments, v1::DEVICE_STATE_ONLINE);
}

}  // namespace hotplugger::client::fleet
