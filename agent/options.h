// What hotplugger-agent is started with.
#pragma once

#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "agent/devices/safety_limits.h"

namespace hotplugger::agent {

struct AgentOptions {
  // Of this host in the fleet.
  std::string node;
  // "HOST:PORT"; empty: no controller, the saved spec and local operations alone.
  std::string controller;
  // Allows plaintext beyond loopback.
  bool insecure = false;
  std::map<std::string, std::string> labels;
  std::string state_dir = "/var/lib/hotplugger";
  std::string socket = "/run/hotplugger/agent.sock";
  // A tree that stands for /sys; empty: /sys itself, which must be a real sysfs.
  std::string sysroot;
  // The hotplugger-writer program; empty: beside this program.
  std::string writer;
  SafetyLimits limits;
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
