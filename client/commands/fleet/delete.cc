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
  std::string kind;
  std::string name;
  ChangeOptions change;
};

std::string DeletedLine(const Options& options) {
  return absl::StrCat(options.kind, "/", options.name, " deleted");
}

absl::Status DeletePolicy(const Options& options, Session& session) {
  v1::DeletePolicyRequest request;
  request.set_name(options.name);
  *request.mutable_note() = MakeNote(options.change.note, session);
  if (options.change.only_here()) {
    return PrintUnsent(request, DeletedLine(options), options.change, session);
  }
  SetMode(options.change, session, &request);
  const absl::StatusOr<v1::DeletePolicyResponse> response = session.fleet->DeletePolicy(request);
  if (!response.ok()) return DescribeChangeError(response.status(), request.request_id());
  if (session.format != OutputFormat::kTable) {
    return PrintDocument(*response, session.format, session.out);
  }
  session.out << Printable(DeletedLine(options)) << " (was revision "
              << response->policy().revision() << ")" << DryRunMark(options.change) << '\n';
  return absl::OkStatus();
}

absl::Status DeleteNode(const Options& options, Session& session) {
  v1::DeleteNodeRequest request;
  request.set_name(options.name);
  *request.mutable_note() = MakeNote(options.change.note, session);
  if (options.change.only_here()) {
    return PrintUnsent(request, DeletedLine(options), options.change, session);
  }
  SetMode(options.change, session, &request);
  const absl::StatusOr<v1::DeleteNodeResponse> response = session.fleet->DeleteNode(request);
  if (!response.ok()) return DescribeChangeError(response.status(), request.request_id());
  if (session.format != OutputFormat::kTable) {
    return PrintDocument(*response, session.format, session.out);
  }
  session.out << Printable(DeletedLine(options)) << DryRunMark(options.change) << '\n';
  return absl::OkStatus();
}

absl::StatusOr<ExitCode> Delete(const Options& options, Session& session) {
  RETURN_IF_ERROR(CheckRequestId(options.change));
  if (options.kind == "policy") {
    RETURN_IF_ERROR(DeletePolicy(options, session));
  } else {
    RETURN_IF_ERROR(DeleteNode(options, session));
  }
  return ExitCode::kOk;
}

}  // namespace

Action DeclareDelete(Arguments& arguments) {
  auto options = std::make_shared<Options>();
  arguments.Required("KIND", "what to delete", &options->kind, {"policy", "node"});
  arguments.Required("NAME", "its name", &options->name);
  DeclareChangeOptions(arguments, &options->change);
  return [options](Session& session) { return Delete(*options, session); };
}

}  // namespace hotplugger::client::fleet
