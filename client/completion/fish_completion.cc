#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "client/completion/completion_script.h"
#include "client/completion/posix_tables.h"

namespace hotplugger::client {
namespace {

constexpr char kHead[] =
    R"(# Completes hotplugctl in fish. Made by `hotplugctl completion fish`:
#   hotplugctl completion fish > ~/.config/fish/completions/hotplugctl.fish
)";

constexpr char kMain[] =
    R"(# What the controller that the line names knows of, one a line; nothing where it isn't quick.
function __hotplugctl_ask
    hotplugctl $__hotplugctl_target --timeout 1s $argv -o name 2>/dev/null
end
# __hotplugctl_known SOURCE KIND NODE PLACE
function __hotplugctl_known
    switch "$argv[1]:$argv[2]"
        case '@named:policy' '@named:policies' '@policies:*'
            __hotplugctl_ask get policies | string replace policy/ ''
        case '@named:*-context' '@contexts:*'
            hotplugctl config get-contexts -o name 2>/dev/null
        case '@named:hold'
            if test "$argv[4]" = 1
                __hotplugctl_known @nodes ''
            else
                __hotplugctl_known @subjects '' "$argv[3]"
            end
        case '@named:node' '@named:nodes' '@nodes:*'
            __hotplugctl_ask get nodes | string replace node/ ''
        case '@subjects:*'
            __hotplugctl_ask get holds --node "$argv[3]" | string replace "hold/$argv[3]/" ''
        case '@about:*'
            __hotplugctl_known @nodes ''
            __hotplugctl_ask get policies | string replace policy/ policies/
    end
end
function __hotplugctl_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l scope fleet
    set -l verb ''
    set -l flag ''
    set -l place 0
    set -l kind ''
    set -l before ''
    set -g __hotplugctl_target
    contains -- --host $words; and set scope host
    for word in $words[2..-1]
        if test -n "$flag"
            contains -- $flag --controller --context; and set -a __hotplugctl_target $flag $word
            set flag ''
        else if __hotplugctl_takes "$scope:$verb:$word"
            set flag $word
        else if string match -q -r -- '^--(insecure$|controller=|context=)' $word
            set -a __hotplugctl_target $word
        else if string match -q -- '-*' $word
        else if test -z "$verb"
            set verb $word
        else
            test $place = 0; and set kind $word
            set before $word
            set place (math $place + 1)
        end
    end
    set -l offer
    if test -n "$flag"
        set offer (__hotplugctl_choices "$scope:$verb:$flag")
    else if string match -q -- '-*' $current
        __hotplugctl_flags "$scope:$verb"
        return
    else if test -z "$verb"
        __hotplugctl_verbs $scope
        return
    else
        set offer (__hotplugctl_choices "$scope:$verb:$place")
    end
    switch "$offer"
        case @files
            __fish_complete_path $current
        case '@*'
            __hotplugctl_known $offer "$kind" "$before" $place
        case '*'
            string split -n ' ' -- $offer
    end
end
complete -c hotplugctl -f -a '(__hotplugctl_complete)'
)";

std::string Quote(const std::string& text) {
  return absl::StrCat("'", absl::StrReplaceAll(text, {{"\\", "\\\\"}, {"'", "\\'"}}), "'");
}

// "'fleet:apply:-f' 'fleet:apply:--file'". fish takes '*' in the quotes of a `case`.
std::string Patterns(const std::string& scope, const CompletedVerb& verb,
                     const std::vector<std::string>& places) {
  std::vector<std::string> patterns;
  patterns.reserve(places.size());
  for (const std::string& place : places) {
    patterns.push_back(
        Quote(absl::StrCat(scope, ":", verb.name.empty() ? "*" : verb.name, ":", place)));
  }
  return absl::StrJoin(patterns, " ");
}

std::string Function(const std::string& name, const std::string& branches) {
  return absl::StrCat("function ", name, "\n    switch $argv[1]\n", branches, "    end\nend\n");
}

std::string Branch(const std::string& patterns, const std::string& body) {
  return absl::StrCat("        case ", patterns, "\n            ", body, "\n");
}

// What each word is for is shown beside it.
std::string Verbs(const std::vector<CompletedScope>& scopes) {
  std::string branches;
  for (const CompletedScope& scope : scopes) {
    std::vector<std::string> lines;
    lines.reserve(scope.verbs.size());
    for (const CompletedVerb& verb : scope.verbs) {
      lines.push_back(absl::StrCat("printf '%s\\t%s\\n' ", verb.name, " ", Quote(verb.help)));
    }
    branches += Branch(scope.name, absl::StrJoin(lines, "\n            "));
  }
  return Function("__hotplugctl_verbs", branches);
}

std::string Flags(const std::vector<CompletedScope>& scopes) {
  std::string branches;
  for (const CompletedScope& scope : scopes) {
    const std::string own = absl::StrJoin(scope.own.flags, " ");
    for (const CompletedVerb& verb : scope.verbs) {
      branches += Branch(Quote(absl::StrCat(scope.name, ":", verb.name)),
                         absl::StrCat("printf '%s\\n' ", absl::StrJoin(verb.flags, " "),
                                      verb.flags.empty() ? "" : " ", own));
    }
    branches += Branch(Quote(absl::StrCat(scope.name, ":*")), absl::StrCat("printf '%s\\n' ", own));
  }
  return Function("__hotplugctl_flags", branches);
}

std::string Takes(const std::vector<CompletedScope>& scopes) {
  std::string branches;
  for (const CompletedScope& scope : scopes) {
    const auto add = [&](const CompletedVerb& verb) {
      for (const CompletedPlace& place : verb.valued) {
        branches += Branch(Patterns(scope.name, verb, place.names), "return 0");
      }
    };
    add(scope.own);
    for (const CompletedVerb& verb : scope.verbs) add(verb);
  }
  return Function("__hotplugctl_takes", branches + Branch("'*'", "return 1"));
}

std::string Choices(const std::vector<CompletedScope>& scopes) {
  std::string branches;
  for (const CompletedScope& scope : scopes) {
    const auto add = [&](const CompletedVerb& verb) {
      for (const auto* places : {&verb.valued, &verb.positional}) {
        for (const CompletedPlace& place : *places) {
          const std::string offer = OfferOf(place);
          if (offer.empty()) continue;
          branches +=
              Branch(Patterns(scope.name, verb, place.names), absl::StrCat("echo ", Quote(offer)));
        }
      }
    };
    add(scope.own);
    for (const CompletedVerb& verb : scope.verbs) add(verb);
  }
  return Function("__hotplugctl_choices", branches);
}

}  // namespace

std::string FishCompletion(const std::vector<CompletedScope>& scopes) {
  return absl::StrCat(kHead, Verbs(scopes), Flags(scopes), Takes(scopes), Choices(scopes), kMain);
}

}  // namespace hotplugger::client
