#include "absl/strings/str_cat.h"
#include "client/completion/completion_script.h"
#include "client/completion/posix_tables.h"

namespace hotplugger::client {
namespace {

constexpr char kHead[] =
    R"(# Completes hotplugctl in bash. Made by `hotplugctl completion bash`:
#   hotplugctl completion bash > ~/.local/share/bash-completion/completions/hotplugctl
)";

// COMP_WORDBREAKS makes `--dry-run=client` three words, and HOST:PORT.
constexpr char kMain[] =
    R"(# What the controller that the line names knows of, one a line; nothing where it isn't quick.
_hotplugctl_ask() {
  hotplugctl "${_hotplugctl_target[@]}" --timeout 1s "$@" -o name 2>/dev/null
}
# _hotplugctl_known SOURCE KIND NODE PLACE
_hotplugctl_known() {
  local found
  case $1:$2 in
    @named:policy|@named:policies|@policies:*)
      found=$(_hotplugctl_ask get policies)
      echo "${found//policy\//}" ;;
    @named:*-context) hotplugctl config get-contexts -o name 2>/dev/null ;;
    @named:hold)
      if [[ $4 == 1 ]]; then _hotplugctl_known @nodes; else _hotplugctl_known @subjects '' "$3"; fi ;;
    @named:node|@named:nodes|@nodes:*)
      found=$(_hotplugctl_ask get nodes)
      echo "${found//node\//}" ;;
    @subjects:*)
      found=$(_hotplugctl_ask get holds --node "$3")
      echo "${found//hold\/"$3"\//}" ;;
    @about:*)
      _hotplugctl_known @nodes
      found=$(_hotplugctl_ask get policies)
      echo "${found//policy\//policies/}" ;;
  esac
}
_hotplugctl() {
  local current=${COMP_WORDS[COMP_CWORD]} scope=fleet verb= flag= place=0 word i
  local kind= before= glue= of_target=
  local -a _hotplugctl_target=()
  for word in "${COMP_WORDS[@]}"; do
    if [[ $word == --host ]]; then scope=host; fi
  done
  for ((i = 1; i < COMP_CWORD; ++i)); do
    word=${COMP_WORDS[i]}
    if [[ $word == ':' || -n $glue ]]; then
      if [[ -n $of_target ]]; then _hotplugctl_target[-1]+=$word; fi
      if [[ $word == ':' ]]; then glue=1; else glue=; fi
      continue
    fi
    of_target=
    if [[ -n $flag && $word == '=' ]]; then
      :
    elif [[ -n $flag ]]; then
      if [[ $flag == --controller || $flag == --context ]]; then
        _hotplugctl_target+=("$flag" "$word")
        of_target=1
      fi
      flag=
    elif _hotplugctl_takes "$scope" "$verb" "$word"; then
      flag=$word
    elif [[ $word == --insecure ]]; then
      _hotplugctl_target+=("$word")
    elif [[ $word == '=' ]]; then
      flag='='  # what follows is the value of a flag that takes none apart
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
  local offer
  if [[ -n $flag ]]; then
    offer=$(_hotplugctl_choices "$scope" "$verb" "$flag")
  elif [[ $current == -* ]]; then
    offer=$(_hotplugctl_flags "$scope" "$verb")
  elif [[ -z $verb ]]; then
    offer=$(_hotplugctl_verbs "$scope")
  else
    offer=$(_hotplugctl_choices "$scope" "$verb" "$place")
  fi
  case $offer in
    @files) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$current"); return ;;
    @contexts) offer=$(hotplugctl config get-contexts -o name 2>/dev/null) ;;
    @*) offer=$(_hotplugctl_known "$offer" "$kind" "$before" "$place") ;;
  esac
  # Not by compgen -W, which expands what a name of a controller's may have in it.
  local -a words
  read -r -d '' -a words <<<"$offer"
  COMPREPLY=()
  for word in "${words[@]}"; do
    if [[ $word == "$current"* && $word != *[^A-Za-z0-9._:/@,=+-]* ]]; then COMPREPLY+=("$word"); fi
  done
}
complete -F _hotplugctl hotplugctl
)";

}  // namespace

std::string BashCompletion(const std::vector<CompletedScope>& scopes) {
  return absl::StrCat(kHead, PosixTables(scopes), kMain);
}

}  // namespace hotplugger::client
