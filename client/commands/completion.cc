#include "client/commands/completion.h"

#include <memory>
#include <string>
#include <vector>

#include "client/completion/completion_script.h"
#include "client/verb_description.h"

namespace hotplugger::client {

Action DeclareCompletion(Arguments& arguments) {
  auto shell = std::make_shared<std::string>();
  arguments.Required("SHELL", "whose script to print", shell.get(), {"bash", "zsh", "fish"});
  return [shell](Session& session) -> absl::StatusOr<ExitCode> {
    const std::vector<CompletedScope> scopes = {CompletedWords(DescribeScope(false)),
                                                CompletedWords(DescribeScope(true))};
    if (*shell == "bash") {
      session.out << BashCompletion(scopes);
    } else if (*shell == "zsh") {
      session.out << ZshCompletion(scopes);
    } else {
      session.out << FishCompletion(scopes);
    }
    return ExitCode::kOk;
  };
}

}  // namespace hotplugger::client
