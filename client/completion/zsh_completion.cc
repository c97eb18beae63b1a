#include "absl/strings/str_cat.h"
#include "client/completion/completion_script.h"
#include "client/completion/posix_tables.h"

namespace hotplugger::client {
namespace {

// `#compdef` must be the first line.
constexpr char kHead[] =
    R"(#compdef hotplugctl
# Completes hotplugctl in zsh. Made by `hotplugctl completion zsh`; put it into a folder of $fpath:
#   hotplugctl completion zsh > ~/.zfunc/_hotplugctl
)";

constexpr char kMain[] =
    R"(# What the controller that the line names knows of, one a line; nothing where it isn't quick.
_hotplugctl_ask() {
  hotplugctl "${target[@]}" --timeout 1s "$@" -o name 2>/dev/null
}
# _hotplugctl_known SOURCE KIND NODE PLACE
_hotplugctl_known() {
  local found
  case $1:$2 in
    @named:policy|@named:policies|@policies:*)
      found=$(_hotplugctl_ask get policies)
      print -r -- "${found//policy\//}" ;;
    @named:*-context) hotplugctl config get-contexts -o name 2>/dev/null ;;
    @named:hold)
      if [[ $4 == 1 ]]; then _hotplugctl_known @nodes; else _hotplugctl_known @subjects '' "$3"; fi ;;
    @named:node|@named:nodes|@nodes:*)
      found=$(_hotplugctl_ask get nodes)
      print -r -- "${found//node\//}" ;;
    @subjects:*)
      found=$(_hotplugctl_ask get holds --node "$3")
      print -r -- "${found//hold\/$3\//}" ;;
    @about:*)
      _hotplugctl_known @nodes
      found=$(_hotplugctl_ask get policies)
      print -r -- "${found//policy\//policies/}" ;;
  esac
}
_hotplugctl() {
  local scope=fleet verb= flag= place=0 word i offer kind= before=
  local -a target
  for word in $words; do
    if [[ $word == --host ]]; then scope=host; fi
  done
  for ((i = 2; i < CURRENT; ++i)); do
    word=${words[i]}
    if [[ -n $flag ]]; then
      if [[ $flag == --controller || $flag == --context ]]; then target+=("$flag" "$word"); fi
      flag=
    elif _hotplugctl_takes "$scope" "$verb" "$word"; then
      flag=$word
    elif [[ $word == --insecure || $word == --controller=* || $word == --context=* ]]; then
      target+=("$word")
    elif [[ $word == -* ]]; then
      :
    elif [[ -z $verb ]]; then
      verb=$word
    else
      if [[ $place == 0 ]]; then kind=$word; fi
      before=$word
      ((++place))
    fi
  done
  if [[ -n $flag ]]; then
    offer=$(_hotplugctl_choices "$scope" "$verb" "$flag")
  elif [[ ${words[CURRENT]} == -* ]]; then
    offer=$(_hotplugctl_flags "$scope" "$verb")
  elif [[ -z $verb ]]; then
    offer=$(_hotplugctl_verbs "$scope")
  else
    offer=$(_hotplugctl_choices "$scope" "$verb" "$place")
  fi
  case $offer in
    @files) _files; return ;;
    @contexts) offer=$(hotplugctl config get-contexts -o name 2>/dev/null) ;;
    @*) offer=$(_hotplugctl_known "$offer" "$kind" "$before" "$place") ;;
  esac
  compadd -- ${=offer}
}
# As a function of $fpath it is called by its file; sourced, it is to be known from now on.
if [[ ${funcstack[1]} == _hotplugctl ]]; then
  _hotplugctl "$@"
else
  compdef _hotplugctl hotplugctl
fi
)";

}  // namespace

std::string ZshCompletion(const std::vector<CompletedScope>& scopes) {
  return absl::StrCat(kHead, PosixTables(scopes), kMain);
}

}  // namespace hotplugger::client
