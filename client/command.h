// What a verb of hotplugctl is made of.
#pragma once

#include <functional>
#include <istream>
#include <ostream>
#include <stop_token>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "client/arguments.h"
#include "client/exit_codes.h"
#include "client/fleet_client.h"
#include "client/host_client.h"
#include "client/output.h"
#include "client/scope_flags.h"
#include "client/surroundings.h"
#include "common/clock.h"

namespace hotplugger::client {

// What a verb acts through. Data goes to `out`, everything else to `err`.
struct Session {
  // The one of the scope; the other is nullptr.
  FleetClient* fleet = nullptr;
  HostClient* host = nullptr;
  OutputFormat format = OutputFormat::kTable;
  // With kTable, of lists: more columns, or names alone.
  bool wide = false;
  bool names_only = false;
  bool colours = false;
  // As they were given.
  const ScopeFlags& flags;
  Surroundings& surroundings;
  // What time it is, and one that nobody sets: for waits.
  Clock& clock;
  Clock& steady_clock;
  // Waits for so long; a test's returns at once.
  const std::function<void(absl::Duration)>& pause;
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
  // Whether somebody wants to know that something is tried again.
  bool tells_retries = false;
  // Called by a verb that goes on until it is told to end: from then on an interrupt (SIGINT) is a
  // stop request and no longer ends the program.
  const std::function<std::stop_token()>& catch_interrupt;
};

// Runs a verb whose arguments are parsed. An error is for the caller to print.
using Action = std::function<absl::StatusOr<ExitCode>(Session&)>;

// One entry of the table of verbs.
struct Verb {
  const char* name;
  const char* help;
  // Declares the verb's arguments and returns what runs with them.
  Action (*declare)(Arguments& arguments);
  // False: it needs no controller and no agent.
  bool needs_client = true;
  // Command lines that work, one a line, for --help; nullptr: none is shown.
  const char* examples = nullptr;
  // It prints lists, of which there are -o wide and -o name.
  bool lists = false;
};

}  // namespace hotplugger::client
