// What hotplugctl's exit status says; also told by --help.
#pragma once

namespace hotplugger::client {

enum class ExitCode {
  kOk = 0,
  // The controller or the agent refused or failed, or a wait ended without success.
  kFailure = 1,
  // A wrong flag or argument, or an input file that can't be read.
  kUsage = 2,
  // Some items of a list were done, others not.
  kPartial = 64,
  // The controller or the agent can't be reached.
  kUnreachable = 69,
};

}  // namespace hotplugger::client
