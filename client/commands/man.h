#pragma once

#include "client/command.h"

namespace hotplugger::client {

// Prints a manual page, or writes all of them.
Action DeclareMan(Arguments& arguments);

}  // namespace hotplugger::client
