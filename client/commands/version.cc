#include "client/commands/version.h"

namespace hotplugger::client {

Action DeclareVersion(Arguments& /*arguments*/) {
  return [](Session& session) -> absl::StatusOr<ExitCode> {
    if (session.format == OutputFormat::kJson) {
      session.out << "{\"version\": \"" HOTPLUGGER_VERSION "\"}\n";
    } else {
      session.out << "hotplugctl " HOTPLUGGER_VERSION "\n";
    }
    return ExitCode::kOk;
  };
}

}  // namespace hotplugger::client
