#include "client/commands/version.h"

namespace hotplugger::client {

Action DeclareVersion(Arguments& /*arguments*/) {
  return [](Session& session) -> absl::StatusOr<ExitCode> {
    if (session.format != OutputFormat::kTable) {
      PrintJsonAs(session.format, "{\"version\": \"" HOTPLUGGER_VERSION "\"}\n", session.out);
    } else {
      session.out << "hotplugctl " HOTPLUGGER_VERSION "\n";
    }
    return ExitCode::kOk;
  };
}

}  // namespace hotplugger::client
