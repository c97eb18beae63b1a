#include "absl/strings/str_cat.h"
#include "client/completion/completion_script.h"
#include "client/completion/posix_tables.h"

namespace hotplugger::client {
namespace {

constexpr char kHead[] =
    R"(# Completes hotplugctl in bash. Made by `hotplugctl completion bash`:
#   hotplugctl completion bash > ~/.local/share/bash-completion/completions/hotplugctl
)";

// COMP_WORDBREAKS makes `--dry-run=client` three words.
constexpr char kMain[] =
    R"(_hotplugctl() {
  local current=${COMP_WORDS[COMP_CWORD]} scope=fleet verb= flag= place=0 word i
  for word in "${COMP_WORDS[@]}"; do
    if [[ $word == --host ]]; then scope=host; fi
  done
  for ((i = 1; i < COMP_CWORD; ++i)); do
    word=${COMP_WORDS[i]}
    if [[ -n $flag ]]; then
      flag=
    elif _hotplugctl_takes "$scope" "$verb" "$word"; then
      flag=$word
    elif [[ $word == -* || $word == '=' ]]; then
      :
    elif [[ -z $verb ]]; then
      verb=$word
    else
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
    @nodes) offer=$(hotplugctl get nodes -o name 2>/dev/null); offer=${offer//node\//} ;;
    @contexts) offer=$(hotplugctl config get-contexts -o name 2>/dev/null) ;;
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
