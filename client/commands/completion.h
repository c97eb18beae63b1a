#pragma once

#include "client/command.h"

namespace hotplugger::client {

// Prints a shell's completion script.
Action DeclareCompletion(Arguments& arguments);

}  // namespace hotplugger::client
