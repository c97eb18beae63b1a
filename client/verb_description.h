// The command line as data, made from the same table of verbs as the parser: what completion
// scripts and man pages are written from.
#pragma once

#include <string>
#include <vector>

#include "client/command.h"

namespace hotplugger::client {

struct ArgumentDescription {
  enum class Kind { kPositional, kRest, kFlag, kOption, kMode };

  Kind kind = Kind::kPositional;
  // Of a positional argument its name; of a flag all its forms, the short one first.
  std::vector<std::string> names;
  // What the value is called in help; empty where there is none.
  std::string value;
  std::string help;
  // The values that are taken; empty: any.
  std::vector<std::string> choices;
  // What holds without the flag, for a person; empty: nothing to be said.
  std::string shown_default;
  bool required = false;
  bool repeated = false;

  bool positional() const { return kind == Kind::kPositional || kind == Kind::kRest; }
};

struct VerbDescription {
  std::string name;
  std::string help;
  // Command lines; may be none.
  std::vector<std::string> examples;
  std::vector<ArgumentDescription> arguments;
};

// One scope: its own flags and its verbs, in the order of --help.
struct ScopeDescription {
  bool host_scope = false;
  std::vector<ArgumentDescription> flags;
  std::vector<VerbDescription> verbs;

  // nullptr where there is none of that name.
  const VerbDescription* Find(const std::string& verb) const;
};

ScopeDescription DescribeScope(bool host_scope);

}  // namespace hotplugger::client
