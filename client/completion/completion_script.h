// Scripts that make a shell complete hotplugctl's command lines.
#pragma once

#include <string>
#include <vector>

#include "client/completion/completion_words.h"

namespace hotplugger::client {

// Each is a whole script; `scopes` are the fleet's and the host's.
std::string BashCompletion(const std::vector<CompletedScope>& scopes);
std::string ZshCompletion(const std::vector<CompletedScope>& scopes);
std::string FishCompletion(const std::vector<CompletedScope>& scopes);

}  // namespace hotplugger::client
