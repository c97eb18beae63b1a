#include <memory>

#include "client/commands/fleet/verbs.h"
#include "client/node_description.h"
#include "common/status_macros.h"

namespace hotplugger::client::fleet {
namespace {

struct Options {
  std::string kind;
  std::string name;
};

absl::StatusOr<ExitCode> DescribeNode(const std::string& name, Session& session) {
  v1::GetNodeRequest request;
  request.set_name(name);
  ASSIGN_OR_RETURN(const v1::GetNodeResponse response, session.fleet->GetNode(request));
  if (session.format != OutputFormat::kTable) {
    RETURN_IF_ERROR(PrintDocument(response, session.format, session.out));
  } else {
    PrintNodeDescription(response.node(), session.clock.Now(), session.out);
  }
  return ExitCode::kOk;
}

}  // namespace

Action DeclareDescribe(Arguments& arguments) {
  auto options = std::make_shared<Options>();
  arguments.Required("KIND", "what to describe", &options->kind, {"node"});
  arguments.Required("NAME", "its name", &options->name);
  return [options](Session& session) { return DescribeNode(options->name, session); };
}

}  // namespace hotplugger::client::fleet
