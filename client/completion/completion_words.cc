#include "client/completion/completion_words.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace hotplugger::client {
namespace {

using Kind = ArgumentDescription::Kind;
using Source = CompletedPlace::Source;

// Where the words for an argument without choices come from: its name says what it is.
Source SourceOf(const ArgumentDescription& argument) {
  const std::string& name = argument.names.back();
  if (name == "--file" || name == "--socket" || name == "--directory") return Source::kFiles;
  if (name == "NODE" || name == "--node") return Source::kNodes;
  return name == "--context" ? Source::kContexts : Source::kNothing;
}

CompletedPlace PlaceOf(const ArgumentDescription& argument, std::vector<std::string> names) {
  CompletedPlace place;
  place.names = std::move(names);
  place.choices = argument.choices;
  place.source = SourceOf(argument);
  return place;
}

void Add(const ArgumentDescription& argument, bool host_scope, CompletedVerb* verb) {
  if (argument.positional()) {
    verb->positional.push_back(PlaceOf(argument, {absl::StrCat(verb->positional.size())}));
    return;
  }
  verb->flags.insert(verb->flags.end(), argument.names.begin(), argument.names.end());
  if (argument.kind == Kind::kMode) {
    for (const std::string& choice : argument.choices) {
      verb->flags.push_back(absl::StrCat(argument.names.back(), "=", choice));
    }
  } else if (argument.kind == Kind::kOption) {
    CompletedPlace place = PlaceOf(argument, argument.names);
    // There it is a NUMA node.
    if (host_scope && place.source == Source::kNodes) place.source = Source::kNothing;
    verb->valued.push_back(std::move(place));
  }
}

}  // namespace

CompletedScope CompletedWords(const ScopeDescription& scope) {
  CompletedScope completed;
  completed.name = scope.host_scope ? "host" : "fleet";
  for (const ArgumentDescription& flag : scope.flags) Add(flag, scope.host_scope, &completed.own);
  for (const VerbDescription& description : scope.verbs) {
    CompletedVerb verb;
    verb.name = description.name;
    verb.help = description.help;
    for (const ArgumentDescription& argument : description.arguments) {
      Add(argument, scope.host_scope, &verb);
    }
    completed.verbs.push_back(std::move(verb));
  }
  return completed;
}

}  // namespace hotplugger::client
