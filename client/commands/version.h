#pragma once

#include "client/command.h"

namespace hotplugger::client {

// Prints this program's version; in both scopes.
Action DeclareVersion(Arguments& arguments);

}  // namespace hotplugger::client
