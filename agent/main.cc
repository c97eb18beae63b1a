#include <cstdio>
#include <string>

#include "agent/agent.h"
#include "agent/options.h"
#include "common/log.h"
#include "common/shutdown_signal.h"

int main(int argc, char** argv) {
  hotplugger::BlockShutdownSignals();
  const auto command_line = hotplugger::agent::ParseCommandLine(argc, argv);
  if (!command_line.proceed) {
    fputs(command_line.text.c_str(), command_line.exit_status == 0 ? stdout : stderr);
    return command_line.exit_status;
  }
  const auto agent = hotplugger::agent::Agent::Create(command_line.options);
  if (!agent.ok()) {
    fprintf(stderr, "hotplugger-agent: %s\n", std::string(agent.status().message()).c_str());
    return 1;
  }
  hotplugger::WaitForShutdownSignal();
  hotplugger::Log(hotplugger::LogLevel::kInfo, "agent stopping; devices stay as they are");
  (*agent)->Stop();
  return 0;
}
