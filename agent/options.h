// What hotplugger-agent is started with.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "agent/config/agent_config.h"

namespace hotplugger::agent {

struct AgentOptions {
  // Of this host in the fleet.
  std::string node;
  // "HOST:PORT"; empty: no controller, the saved spec and local operations alone.
  std::string controller;
  // The fleet that this host is to belong to from now on; empty: the one of the first controller
  // that it meets.
  std::string fleet;
  // Allows plaintext beyond loopback.
  bool insecure = false;
  std::map<std::string, std::string> labels;
  std::string state_dir = "/var/lib/hotplugger";
  std::string socket = "/run/hotplugger/agent.sock";
  // The file of the host's own limits; it may be absent at its default place alone.
  std::string config = kDefaultConfigPath;
  // A directory that stands for the host's root, as in lscpu: DIR/sys, DIR/proc. Empty: the root
  // itself, whose sys must be a real sysfs.
  std::string sysroot;
  // Folders of descriptions of drivers; a later one's count for more (docs/drivers.md).
  std::vector<std::string> driver_folders = {"/usr/share/hotplugger/drivers.d",
                                             "/etc/hotplugger/drivers.d"};
  // The D-Bus address at which systemd is asked; empty: the system bus.
  std::string bus;
  // The hotplugger-writer program; empty: beside this program.
  std::string writer;
  // "HOST:PORT" of /metrics (see common/listen_address.h); empty: there is none.
  std::string metrics_listen;
  // "HOST:PORT" at which others reach it; empty: see ReachedAddress.
  std::string metrics_address;
  // "HOST:PORT" of gRPC's health service, for probes, in plaintext; empty: there is none.
  std::string health_listen;
};

// What a command line comes to: options, or a text to print (help, version) and an exit status.
struct ParsedCommandLine {
  AgentOptions options;
  std::string text;
  bool proceed = false;
  int exit_status = 0;
};

// Reads the command line and checks everything, with all errors at once.
ParsedCommandLine ParseCommandLine(int argc, const char* const* argv);

// The checks behind it.
absl::Status ValidateOptions(const AgentOptions& options);

}  // namespace hotplugger::agent
