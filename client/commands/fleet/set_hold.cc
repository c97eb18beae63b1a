#include "client/commands/fleet/set_hold.h"

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "client/commands/fleet/hold_options.h"
#include "client/text.h"
#include "common/proto_time.h"
#include "common/status_macros.h"

namespace hotplugger::client::fleet {
namespace {

struct Options {
  std::string node;
  std::string device;
  HoldOptions hold;
};

// "hold/gamma/cpu3 offline, ends in 1h59m".
std::string HoldLine(const v1::Hold& hold, absl::Time now) {
  std::string line = absl::StrCat("hold/", hold.node(), "/", hold.subject(), " ",
                                  ShortEnumName(*v1::DeviceState_descriptor(), hold.state()));
  if (hold.has_expire_time()) {
    absl::StrAppend(&line, ", ends ", FormatUntil(ToTime(hold.expire_time()) - now));
  } else if (hold.has_ttl()) {
    absl::StrAppend(&line, ", ends ", FormatUntil(ToDuration(hold.ttl())));
  }
  return line;
}

void PrintHeld(const v1::SetHoldResponse& response, const ChangeOptions& options,
               Session& session) {
  const v1::Hold& held = response.hold();
  session.out << Printable(HoldLine(held, session.clock.Now())) << DryRunMark(options) << '\n';
  for (const v1::Hold& replaced : response.replaced()) {
    session.out << "hold/" << Printable(replaced.node()) << '/' << Printable(replaced.subject())
                << " replaced" << DryRunMark(options) << '\n';
  }
  if (options.only_tried()) return;
  session.err << "the node carries it out by itself; `hotplugctl wait nodes " << held.node()
              << "` waits for that, `hotplugctl release " << held.node() << ' ' << held.subject()
              << "` ends the hold\n";
}

}  // namespace

absl::StatusOr<ExitCode> SetHold(const v1::Hold& hold, const ChangeOptions& options,
                                 Session& session) {
  v1::SetHoldRequest request;
  *request.mutable_hold() = hold;
  if (options.only_here()) {
    RETURN_IF_ERROR(PrintUnsent(request, HoldLine(hold, session.clock.Now()), options, session));
    return ExitCode::kOk;
  }
  SetMode(options, session, &request);
  const absl::StatusOr<v1::SetHoldResponse> response = session.fleet->SetHold(request);
  if (!response.ok()) return DescribeChangeError(response.status(), request.request_id());
  PrintWarnings(response->warnings(), session.err);
  if (session.format != OutputFormat::kTable) {
    RETURN_IF_ERROR(PrintDocument(*response, session.format, session.out));
  } else {
    PrintHeld(*response, options, session);
  }
  return ExitCode::kOk;
}

Action DeclareDeviceHold(Arguments& arguments, v1::DeviceState state) {
  auto options = std::make_shared<Options>();
  arguments.Required("NODE", "the node's name", &options->node);
  arguments.Required("DEVICE",
                     "the device: cpu3, memory32 or BUS/NAME; a whole core, core/PACKAGE-DIE-CORE; "
                     "or driver/NAME",
                     &options->device);
  DeclareHoldOptions(arguments, &options->hold);
  return [options, state](Session& session) -> absl::StatusOr<ExitCode> {
    ASSIGN_OR_RETURN(const v1::Hold hold,
                     MakeHold(options->node, options->device, state, options->hold, session));
    return SetHold(hold, options->hold.change, session);
  };
}

}  // namespace hotplugger::client::fleet
