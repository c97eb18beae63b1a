#include "client/scope_flags.h"

namespace hotplugger::client {
namespace {

void DeclareFleetFlags(Arguments& arguments, ScopeFlags* flags) {
  arguments.Value("--controller", "HOST:PORT",
                  "the controller's address [the context's, or 127.0.0.1:7443]; "
                  "$HOTPLUGGER_CONTROLLER is one too",
                  &flags->controller);
  arguments.Value("--context", "NAME",
                  "the context of the configuration file that says whom to call [its current one]; "
                  "see `hotplugctl config --help`",
                  &flags->context);
  arguments.Switch("--insecure", "allow plaintext to other than loopback addresses",
                   &flags->insecure);
  arguments.MaybeDuration(
      "--timeout",
      "the longest that one call may take, with its repetitions where the connection is lost; a "
      "controller that was never there is given up after 2s unless this is given; a call that asks "
      "nodes about drivers or a plan ends where no node has answered for its --deadline and this "
      "on "
      "top",
      "10s", &flags->timeout);
  arguments.Switch("-v,--verbose",
                   "say on standard error what is tried again, also where that is no terminal",
                   &flags->verbose);
  arguments.Choice("-o,--output", "FORMAT",
                   "how to print data: of lists also wide, a table with more columns, and name, a "
                   "KIND/NAME a line",
                   &flags->format, {"table", "wide", "json", "yaml", "name"});
}

void DeclareHostFlags(Arguments& arguments, ScopeFlags* flags) {
  arguments.Value("--socket", "PATH", "the agent's unix socket [/run/hotplugger/agent.sock]",
                  &flags->socket);
  arguments.MaybeDuration("--timeout",
                          "the longest that one call may take; a change has an hour for its turn "
                          "and what it takes itself (devices: --deadline each, drivers: 1m), a "
                          "watch has no limit",
                          "1m", &flags->timeout);
  arguments.Choice("-o,--output", "FORMAT", "how to print data", &flags->format,
                   {"table", "json", "yaml"});
}

}  // namespace

void DeclareScopeFlags(Arguments& arguments, ScopeFlags* flags) {
  arguments.Switch("--host", "act on this host through its agent", &flags->host_scope);
  if (flags->host_scope) {
    DeclareHostFlags(arguments, flags);
  } else {
    DeclareFleetFlags(arguments, flags);
  }
}

}  // namespace hotplugger::client
