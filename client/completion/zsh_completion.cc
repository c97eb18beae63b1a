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
    R"(_hotplugctl() {
  local scope=fleet verb= flag= place=0 word i offer
  for word in $words; do
    if [[ $word == --host ]]; then scope=host; fi
  done
  for ((i = 2; i < CURRENT; ++i)); do
    word=${words[i]}
    if [[ -n $flag ]]; then
      flag=
    elif _hotplugctl_takes "$scope" "$verb" "$word"; then
      flag=$word
    elif [[ $word == -* ]]; then
      :
    elif [[ -z $verb ]]; then
      verb=$word
    else
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
    @nodes) offer=${$(hotplugctl get nodes -o name 2>/dev/null)//node\//} ;;
    @contexts) offer=$(hotplugctl config get-contexts -o name 2>/dev/null) ;;
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
