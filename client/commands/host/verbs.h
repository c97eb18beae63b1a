// The verbs for this host (hotplugctl --host), most with a file each.
#pragma once

#include "client/command.h"

namespace hotplugger::client::host {

Action DeclareDevices(Arguments& arguments);
Action DeclareCpus(Arguments& arguments);
Action DeclareMemory(Arguments& arguments);
Action DeclareGet(Arguments& arguments);
Action DeclareExplain(Arguments& arguments);
Action DeclareWatch(Arguments& arguments);
Action DeclareOffline(Arguments& arguments);
Action DeclareOnline(Arguments& arguments);
Action DeclareSmt(Arguments& arguments);
Action DeclareDrivers(Arguments& arguments);
Action DeclareEnable(Arguments& arguments);
Action DeclareDisable(Arguments& arguments);
Action DeclareSwitch(Arguments& arguments);
Action DeclareSwitching(Arguments& arguments);
Action DeclareRegister(Arguments& arguments);
Action DeclareUnregister(Arguments& arguments);

}  // namespace hotplugger::client::host
