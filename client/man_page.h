// Manual pages in roff, from the same table of verbs as the parser and its help.
#pragma once

#include <string>
#include <vector>

#include "client/verb_description.h"

namespace hotplugger::client {

struct ManPage {
  // "hotplugctl-apply.1".
  std::string file_name;
  // Ends in a line's end.
  std::string text;
};

// hotplugctl(1): both scopes with their flags, every verb in a line, exit status, environment,
// files.
ManPage ProgramPage(const ScopeDescription& fleet, const ScopeDescription& host);

// hotplugctl-VERB(1), of the host scope hotplugctl-host-VERB(1).
ManPage VerbPage(const ScopeDescription& scope, const VerbDescription& verb);

// All of them, the program's first.
std::vector<ManPage> AllPages();

}  // namespace hotplugger::client
