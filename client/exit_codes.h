// What hotplugctl's exit status says; exit_code_text.h has the words for people.
#pragma once

namespace hotplugger::client {

enum class ExitCode {
  kOk = 0,
  // The controller or the agent refused or failed, a change of nodes was interrupted, or a wait
  // ended without success. Of diff: there are differences.
  kFailure = 1,
  // A wrong flag or argument, or an input file that can't be read. Of diff: any failure but
  // kUnreachable.
  kUsage = 2,
  // Some items of a list were done, others not; of nodes, on some or in part. Of plan: would be.
  kPartial = 64,
  // The controller or the agent can't be reached, the connection to it broke, or it gave no answer
  // in time.
  kUnreachable = 69,
};

}  // namespace hotplugger::client
