// The part of a completion script that bash and zsh read alike: functions that know the words.
#pragma once

#include <string>
#include <vector>

#include "client/completion/completion_words.h"

namespace hotplugger::client {

// _hotplugctl_verbs SCOPE and _hotplugctl_flags SCOPE VERB print words;
// _hotplugctl_takes SCOPE VERB FLAG is true where the flag takes the next word;
// _hotplugctl_choices SCOPE VERB PLACE prints what can stand after a flag or as the Nth positional
// argument, or where that comes from: "@files", "@contexts", "@nodes", "@policies", "@named",
// "@subjects" or "@about".
std::string PosixTables(const std::vector<CompletedScope>& scopes);

// What a place offers: choices, "@files" and so on, or "".
std::string OfferOf(const CompletedPlace& place);

}  // namespace hotplugger::client
