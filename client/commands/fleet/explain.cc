#include <memory>
#include <string>

#include "client/commands/fleet/explain_view.h"
#include "client/commands/fleet/verbs.h"
#include "client/flag_values.h"
#include "common/status_macros.h"

namespace hotplugger::client::fleet {
namespace {

struct Options {
  std::string node;
  std::string subject;
};

absl::StatusOr<ExitCode> Explain(const Options& options, Session& session) {
  v1::ExplainSubjectRequest request;
  request.set_node(options.node);
  request.set_subject(options.subject);
  const auto response = session.fleet->ExplainSubject(request);
  if (!response.ok()) {
    return NameFlags(response.status(), {{"node", "NODE"}, {"subject", "SUBJECT"}});
  }
  if (session.format != OutputFormat::kTable) {
    RETURN_IF_ERROR(PrintDocument(*response, session.format, session.out));
  } else {
    PrintExplanation(*response, session.clock.Now(), session.out);
  }
  return ExitCode::kOk;
}

}  // namespace

Action DeclareExplain(Arguments& arguments) {
  auto options = std::make_shared<Options>();
  arguments.Required("NODE", "the node's name", &options->node);
  arguments.Required("SUBJECT",
                     "a device, e.g. cpu3, memory32 or smt; core/PACKAGE-DIE-CORE, or driver/NAME",
                     &options->subject);
  return [options](Session& session) { return Explain(*options, session); };
}

}  // namespace hotplugger::client::fleet
