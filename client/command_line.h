// hotplugctl from its arguments to its exit status; main.cc only wires it.
#pragma once

#include <functional>
#include <istream>
#include <ostream>
#include <stop_token>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "client/connector.h"
#include "client/exit_codes.h"
#include "client/surroundings.h"
#include "common/clock.h"

namespace hotplugger::client {

// What the program acts through; all of it outlives RunCommandLine.
struct Environment {
  Connector& connector;
  Surroundings& surroundings;
  // What time it is, and one that nobody sets: for waits.
  Clock& clock;
  Clock& steady_clock;
  // Waits for so long.
  std::function<void(absl::Duration)> pause;
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
  // Makes interrupts stop requests, see Session. The default: nothing ever asks to stop.
  std::function<std::stop_token()> catch_interrupt = [] { return std::stop_token(); };
};

// Parses `arguments` (without the program's name) and runs the verb. Prints errors itself.
ExitCode RunCommandLine(const std::vector<std::string>& arguments, Environment& environment);

}  // namespace hotplugger::client
