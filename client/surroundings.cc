#include "client/surroundings.h"

namespace hotplugger::client {

bool WantsColours(const Surroundings& surroundings) {
  // https://no-color.org: whatever the value, unless it is empty.
  if (!surroundings.Variable("NO_COLOR").value_or("").empty()) return false;
  return surroundings.OutputIsTerminal() && surroundings.Variable("TERM").value_or("") != "dumb";
}

}  // namespace hotplugger::client
