#include <memory>

#include "client/commands/fleet/verbs.h"
#include "common/status_macros.h"

namespace hotplugger::client::fleet {
namespace {

struct Options {
  std::string kind;
  std::string name;
};

absl::Status DeletePolicy(const std::string& name, Session& session) {
  v1::DeletePolicyRequest request;
  request.set_name(name);
  ASSIGN_OR_RETURN(const v1::DeletePolicyResponse response, session.fleet->DeletePolicy(request));
  if (session.format != OutputFormat::kTable) {
    return PrintDocument(response, session.format, session.out);
  }
  session.out << "policy/" << name << " deleted (was revision " << response.policy().revision()
              << ")\n";
  return absl::OkStatus();
}

absl::Status DeleteNode(const std::string& name, Session& session) {
  v1::DeleteNodeRequest request;
  request.set_name(name);
  ASSIGN_OR_RETURN(const v1::DeleteNodeResponse response, session.fleet->DeleteNode(request));
  if (session.format != OutputFormat::kTable) {
    return PrintDocument(response, session.format, session.out);
  }
  session.out << "node/" << name << " deleted\n";
  return absl::OkStatus();
}

absl::StatusOr<ExitCode> Delete(const Options& options, Session& session) {
  if (options.kind == "policy") {
    RETURN_IF_ERROR(DeletePolicy(options.name, session));
  } else {
    RETURN_IF_ERROR(DeleteNode(options.name, session));
  }
  return ExitCode::kOk;
}

}  // namespace

Action DeclareDelete(Arguments& arguments) {
  auto options = std::make_shared<Options>();
  arguments.Required("KIND", "what to delete", &options->kind, {"policy", "node"});
  arguments.Required("NAME", "its name", &options->name);
  return [options](Session& session) { return Delete(*options, session); };
}

}  // namespace hotplugger::client::fleet
