#include "client/commands/fleet/set_hold.h"

#include <memory>

#include "client/text.h"
#include "common/status_macros.h"

namespace hotplugger::client::fleet {

absl::StatusOr<ExitCode> SetHold(const v1::Hold& hold, Session& session) {
  v1::SetHoldRequest request;
  *request.mutable_hold() = hold;
  ASSIGN_OR_RETURN(const v1::SetHoldResponse response, session.fleet->SetHold(request));
  PrintWarnings(response.warnings(), session.err);
  if (session.format != OutputFormat::kTable) {
    RETURN_IF_ERROR(PrintDocument(response, session.format, session.out));
    return ExitCode::kOk;
  }
  const v1::Hold& held = response.hold();
  session.out << "hold/" << held.node() << '/' << held.subject() << ' '
              << ShortEnumName(*v1::DeviceState_descriptor(), held.state()) << '\n';
  for (const v1::Hold& replaced : response.replaced()) {
    session.out << "hold/" << replaced.node() << '/' << replaced.subject() << " replaced\n";
  }
  session.err << "the node carries it out by itself; `hotplugctl wait nodes " << held.node()
              << "` waits for that, `hotplugctl release " << held.node() << ' ' << held.subject()
              << "` ends the hold\n";
  return ExitCode::kOk;
}

Action DeclareDeviceHold(Arguments& arguments, v1::DeviceState state) {
  auto hold = std::make_shared<v1::Hold>();
  hold->set_state(state);
  arguments.Required("NODE", "the node's name", hold->mutable_node());
  arguments.Required("DEVICE", "the device: cpu3, memory32 or BUS/NAME; or driver/NAME",
                     hold->mutable_subject());
  arguments.Option("--reason", "why, for the next person", hold->mutable_reason());
  return [hold](Session& session) { return SetHold(*hold, session); };
}

}  // namespace hotplugger::client::fleet
