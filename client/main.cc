#include <unistd.h>

#include <cstdio>
#include <iostream>
#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "client/command_line.h"
#include "client/interrupt.h"
#include "client/link/grpc_connector.h"
#include "client/system_surroundings.h"
#include "common/clock.h"

int main(int argc, char** argv) {
  using hotplugger::client::ExitCode;
  std::ios::sync_with_stdio(false);
  hotplugger::client::Interrupt interrupt;
  interrupt.Start();
  const auto connector = hotplugger::client::MakeGrpcConnector();
  const auto surroundings = hotplugger::client::MakeSystemSurroundings();
  hotplugger::SystemClock clock;
  hotplugger::SteadyClock steady_clock;
  hotplugger::client::Environment environment{
      *connector,   *surroundings,   clock,
      steady_clock, &absl::SleepFor, std::cin,
      std::cout,    std::cerr,       [&interrupt] { return interrupt.Catch(); }};
  ExitCode exit_code = hotplugger::client::RunCommandLine(
      std::vector<std::string>(argv + 1, argv + argc), environment);
  std::cout.flush();
  if (!std::cout) {
    std::cerr << "hotplugctl: can't write to standard output; is the disk full?\n";
    if (exit_code == ExitCode::kOk) exit_code = ExitCode::kFailure;
  }
  std::cerr.flush();
  // Not exit(): gRPC's threads take a while to end, and nothing is left to be kept.
  _exit(static_cast<int>(exit_code));
}
