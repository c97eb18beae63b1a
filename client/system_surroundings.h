// The machine's own Surroundings.
#pragma once

#include <memory>

#include "client/surroundings.h"

namespace hotplugger::client {

std::unique_ptr<Surroundings> MakeSystemSurroundings();

}  // namespace hotplugger::client
