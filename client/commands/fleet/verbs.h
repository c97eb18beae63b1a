// The verbs for the fleet, a file each.
#pragma once

#include "client/command.h"

namespace hotplugger::client::fleet {

Action DeclareApply(Arguments& arguments);
Action DeclareGet(Arguments& arguments);
Action DeclareDescribe(Arguments& arguments);
Action DeclareDelete(Arguments& arguments);
Action DeclareOffline(Arguments& arguments);
Action DeclareOnline(Arguments& arguments);
Action DeclareSwitch(Arguments& arguments);
Action DeclareRelease(Arguments& arguments);
Action DeclareWait(Arguments& arguments);

}  // namespace hotplugger::client::fleet
