#pragma once

#include "client/command.h"

namespace hotplugger::client {

// The contexts of whoever runs this: see context_file.h.
Action DeclareConfig(Arguments& arguments);

}  // namespace hotplugger::client
