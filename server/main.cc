// hotplugger-controller: exits with 0 after SIGTERM or SIGINT, 1 if it can't run, 2 for bad usage.
#include <cstdio>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/log.h"
#include "common/shutdown_signal.h"
#include "server/controller.h"
#include "server/options.h"

int main(int argc, char** argv) {
  using hotplugger::Log;
  using hotplugger::LogLevel;
  hotplugger::BlockShutdownSignals();
  const auto parsed = hotplugger::server::ParseCommandLine(argc, argv);
  if (!parsed.ok()) {
    std::fprintf(stderr, "%s\n", std::string(parsed.status().message()).c_str());
    return 2;
  }
  if (parsed->text) {
    std::fputs(parsed->text->c_str(), stdout);
    return 0;
  }
  const auto controller = hotplugger::server::Controller::Create(parsed->options);
  if (!controller.ok()) {
    Log(LogLevel::kError, "can't start", {{"error", controller.status().message()}});
    return 1;
  }
  Log(LogLevel::kInfo, "listening",
      {{"grpc", absl::StrCat((*controller)->grpc_port())},
       {"metrics", absl::StrCat((*controller)->metrics_port())},
       {"store", parsed->options.store},
       {"fleet", (*controller)->fleet_id()},
       {"epoch", absl::StrCat((*controller)->epoch())}});
  if ((*controller)->health_port() != 0) {
    Log(LogLevel::kInfo, "answering health checks",
        {{"port", absl::StrCat((*controller)->health_port())}});
  }
  if (parsed->options.insecure) Log(LogLevel::kWarning, "plaintext beyond loopback is allowed");
  const int signal = hotplugger::WaitForShutdownSignal();
  Log(LogLevel::kInfo, "shutting down", {{"signal", absl::StrCat(signal)}});
  (*controller)->Shutdown();
  return 0;
}
