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
  if (name == "--policy") return Source::kPolicies;
  if (name == "NAME") return Source::kNamed;
  if (name == "SUBJECT" || name == "--subject") return Source::kSubjects;
  if (name == "ABOUT") return Source::kAbout;
  return name == "--context" ? Source::kContexts : Source::kNothing;
}

// Of this host no controller is asked; a node there is one of NUMA.
bool IsAskedOfController(Source source) {
  return source != Source::kNothing && source != Source::kFiles && source != Source::kContexts;
}

// A list goes on, as far as anybody completes one.
constexpr size_t kMaxPlaces = 10;

CompletedPlace PlaceOf(const ArgumentDescription& argument, std::vector<std::string> names,
                       bool host_scope) {
  CompletedPlace place;
  place.names = std::move(names);
  place.choices = argument.choices;
  place.source = SourceOf(argument);
  if (host_scope && IsAskedOfController(place.source)) place.source = Source::kNothing;
  return place;
}

void Add(const ArgumentDescription& argument, bool host_scope, CompletedVerb* verb) {
  if (argument.positional()) {
    const size_t first = verb->positional.size();
    std::vector<std::string> places = {absl::StrCat(first)};
    for (size_t i = first + 1; argument.kind == Kind::kRest && i < kMaxPlaces; ++i) {
      places.push_back(absl::StrCat(i));
    }
    verb->positional.push_back(PlaceOf(argument, std::move(places), host_scope));
    return;
  }
  verb->flags.insert(verb->flags.end(), argument.names.begin(), argument.names.end());
  if (argument.kind == Kind::kMode) {
    for (const std::string& choice : argument.choices) {
      verb->flags.push_back(absl::StrCat(argument.names.back(), "=", choice));
    }
  } else if (argument.kind == Kind::kOption) {
    verb->valued.push_back(PlaceOf(argument, argument.names, host_scope));
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
