// The verbs of each scope, in the order of --help.
#pragma once

#include "absl/types/span.h"
#include "client/command.h"

namespace hotplugger::client {

absl::Span<const Verb> FleetVerbs();
absl::Span<const Verb> HostVerbs();

}  // namespace hotplugger::client
