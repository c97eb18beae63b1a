// The verbs for the fleet, most with a file each.
#pragma once

#include "client/command.h"

namespace hotplugger::client::fleet {

Action DeclareApply(Arguments& arguments);
Action DeclareGet(Arguments& arguments);
Action DeclareDescribe(Arguments& arguments);
Action DeclareExplain(Arguments& arguments);
Action DeclareAudit(Arguments& arguments);
Action DeclareEvents(Arguments& arguments);
Action DeclareDiff(Arguments& arguments);
Action DeclarePlan(Arguments& arguments);
Action DeclareHistory(Arguments& arguments);
Action DeclareRollback(Arguments& arguments);
Action DeclareDelete(Arguments& arguments);
Action DeclareOffline(Arguments& arguments);
Action DeclareOnline(Arguments& arguments);
Action DeclareQuarantine(Arguments& arguments);
Action DeclareRelease(Arguments& arguments);
Action DeclareDrivers(Arguments& arguments);
Action DeclareEnable(Arguments& arguments);
Action DeclareDisable(Arguments& arguments);
Action DeclareSwitch(Arguments& arguments);
Action DeclareSwitching(Arguments& arguments);
Action DeclareRegister(Arguments& arguments);
Action DeclareUnregister(Arguments& arguments);
Action DeclareRetry(Arguments& arguments);
Action DeclareWait(Arguments& arguments);

}  // namespace hotplugger::client::fleet
