#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "client/commands/fleet/change_options.h"
#include "client/commands/fleet/verbs.h"
#include "client/text.h"
#include "common/status_macros.h"

namespace hotplugger::client::fleet {
namespace {

struct Options {
  std::string node;
  std::string subject;
  ChangeOptions change;
};

absl::StatusOr<ExitCode> Release(const Options& options, Session& session) {
  RETURN_IF_ERROR(CheckRequestId(options.change));
  v1::ReleaseHoldRequest request;
  request.set_node(options.node);
  request.set_subject(options.subject);
  *request.mutable_note() = MakeNote(options.change.note, session);
  const std::string line = absl::StrCat("hold/", options.node, "/", options.subject, " released");
  if (options.change.only_here()) {
    RETURN_IF_ERROR(PrintUnsent(request, line, options.change, session));
    return ExitCode::kOk;
  }
  SetMode(options.change, session, &request);
  const absl::StatusOr<v1::ReleaseHoldResponse> response = session.fleet->ReleaseHold(request);
  if (!response.ok()) return DescribeChangeError(response.status(), request.request_id());
  if (session.format != OutputFormat::kTable) {
    RETURN_IF_ERROR(PrintDocument(*response, session.format, session.out));
  } else {
    session.out << Printable(line) << DryRunMark(options.change) << '\n';
  }
  return ExitCode::kOk;
}

}  // namespace

Action DeclareRelease(Arguments& arguments) {
  auto options = std::make_shared<Options>();
  arguments.Required("NODE", "the node's name", &options->node);
  arguments.Required("SUBJECT",
                     "what is held: a device, e.g. cpu3 or memory32, core/PACKAGE-DIE-CORE, or "
                     "driver/NAME",
                     &options->subject);
  DeclareChangeOptions(arguments, &options->change);
  return [options](Session& session) { return Release(*options, session); };
}

}  // namespace hotplugger::client::fleet
