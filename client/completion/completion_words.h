// What completion scripts of all shells offer, as data.
#pragma once

#include <string>
#include <vector>

#include "client/verb_description.h"

namespace hotplugger::client {

// What can stand at one place of a verb: after a flag, or as its Nth positional argument.
struct CompletedPlace {
  // Flags with all their forms, or numbers from 0.
  std::vector<std::string> names;
  // Empty: `source` says.
  std::vector<std::string> choices;
  // The last five are asked of the controller: kNamed means things of the kind that the first
  // positional argument says, kSubjects what is held of the node before, kAbout nodes and policies.
  enum class Source {
    kNothing,
    kFiles,
    kContexts,
    kNodes,
    kPolicies,
    kNamed,
    kSubjects,
    kAbout
  } source = Source::kNothing;
};

struct CompletedVerb {
  std::string name;
  // For shells that show it.
  std::string help;
  // Words that begin with a dash.
  std::vector<std::string> flags;
  // Those of them that take the next word.
  std::vector<CompletedPlace> valued;
  std::vector<CompletedPlace> positional;
};

struct CompletedScope {
  // "fleet" or "host".
  std::string name;
  // The scope's own flags: those of a verb without a name.
  CompletedVerb own;
  std::vector<CompletedVerb> verbs;
};

CompletedScope CompletedWords(const ScopeDescription& scope);

}  // namespace hotplugger::client
