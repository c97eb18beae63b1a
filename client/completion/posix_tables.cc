#include "client/completion/posix_tables.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace hotplugger::client {
namespace {

using Source = CompletedPlace::Source;

// "fleet:apply:-f|fleet:apply:--file". A scope's own flags stand with every verb.
std::string Pattern(const std::string& scope, const CompletedVerb& verb,
                    const std::vector<std::string>& places) {
  const std::string before = absl::StrCat(scope, ":", verb.name.empty() ? "*" : verb.name, ":");
  std::vector<std::string> patterns;
  patterns.reserve(places.size());
  for (const std::string& place : places) patterns.push_back(absl::StrCat(before, place));
  return absl::StrJoin(patterns, "|");
}

// A function whose body is one `case` over its arguments, joined by colons.
std::string CaseFunction(const std::string& name, const std::string& subject,
                         const std::string& branches, const std::string& otherwise) {
  return absl::StrCat(name, "() {\n  case \"", subject, "\" in\n", branches, otherwise,
                      "  esac\n}\n");
}

// Of each scope: its own flags first, then each verb.
std::vector<const CompletedVerb*> AllOf(const CompletedScope& scope) {
  std::vector<const CompletedVerb*> all = {&scope.own};
  for (const CompletedVerb& verb : scope.verbs) all.push_back(&verb);
  return all;
}

std::string Verbs(const std::vector<CompletedScope>& scopes) {
  std::string branches;
  for (const CompletedScope& scope : scopes) {
    std::vector<std::string> names;
    names.reserve(scope.verbs.size());
    for (const CompletedVerb& verb : scope.verbs) names.push_back(verb.name);
    absl::StrAppend(&branches, "    ", scope.name, ") echo '", absl::StrJoin(names, " "), "' ;;\n");
  }
  return CaseFunction("_hotplugctl_verbs", "$1", branches, "");
}

std::string Flags(const std::vector<CompletedScope>& scopes) {
  std::string branches;
  for (const CompletedScope& scope : scopes) {
    for (const CompletedVerb& verb : scope.verbs) {
      absl::StrAppend(&branches, "    ", scope.name, ":", verb.name, ") echo '",
                      absl::StrJoin(verb.flags, " "), verb.flags.empty() ? "" : " ",
                      absl::StrJoin(scope.own.flags, " "), "' ;;\n");
    }
    absl::StrAppend(&branches, "    ", scope.name, ":*) echo '",
                    absl::StrJoin(scope.own.flags, " "), "' ;;\n");
  }
  return CaseFunction("_hotplugctl_flags", "$1:$2", branches, "");
}

std::string Takes(const std::vector<CompletedScope>& scopes) {
  std::string branches;
  for (const CompletedScope& scope : scopes) {
    for (const CompletedVerb* verb : AllOf(scope)) {
      for (const CompletedPlace& place : verb->valued) {
        absl::StrAppend(&branches, "    ", Pattern(scope.name, *verb, place.names), ") ;;\n");
      }
    }
  }
  return CaseFunction("_hotplugctl_takes", "$1:$2:$3", branches, "    *) return 1 ;;\n");
}

std::string Choices(const std::vector<CompletedScope>& scopes) {
  std::string branches;
  const auto add = [&](const std::string& scope, const CompletedVerb& verb,
                       const CompletedPlace& place) {
    const std::string offer = OfferOf(place);
    if (offer.empty()) return;
    absl::StrAppend(&branches, "    ", Pattern(scope, verb, place.names), ") echo '", offer,
                    "' ;;\n");
  };
  for (const CompletedScope& scope : scopes) {
    for (const CompletedVerb* verb : AllOf(scope)) {
      for (const CompletedPlace& place : verb->valued) add(scope.name, *verb, place);
      for (const CompletedPlace& place : verb->positional) add(scope.name, *verb, place);
    }
  }
  return CaseFunction("_hotplugctl_choices", "$1:$2:$3", branches, "");
}

}  // namespace

std::string OfferOf(const CompletedPlace& place) {
  if (!place.choices.empty()) return absl::StrJoin(place.choices, " ");
  switch (place.source) {
    case Source::kFiles:
      return "@files";
    case Source::kContexts:
      return "@contexts";
    case Source::kNodes:
      return "@nodes";
    case Source::kPolicies:
      return "@policies";
    case Source::kNamed:
      return "@named";
    case Source::kSubjects:
      return "@subjects";
    case Source::kAbout:
      return "@about";
    default:
      return "";
  }
}

std::string PosixTables(const std::vector<CompletedScope>& scopes) {
  return absl::StrCat(Verbs(scopes), Flags(scopes), Takes(scopes), Choices(scopes));
}

}  // namespace hotplugger::client
