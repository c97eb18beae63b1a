#include <limits>
#include <memory>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "client/commands/fleet/change_options.h"
#include "client/commands/fleet/policy_results.h"
#include "client/commands/fleet/verbs.h"
#include "client/flag_values.h"
#include "common/status_macros.h"

namespace hotplugger::client::fleet {
namespace {

struct Options {
  std::string kind;
  std::string name;
  std::optional<std::string> revision;
  ChangeOptions change;
};

// "revision 2", "the revision before".
std::string Aim(const v1::RollbackPolicyRequest& request) {
  return request.revision() > 0 ? absl::StrCat("revision ", request.revision())
                                : "the revision before";
}

absl::StatusOr<ExitCode> Rollback(const Options& options, Session& session) {
  v1::RollbackPolicyRequest request;
  request.set_name(options.name);
  *request.mutable_note() = MakeNote(options.change, session);
  Violations violations;
  if (options.revision) {
    request.set_revision(ReadNumber("--revision", *options.revision, 1,
                                    std::numeric_limits<int>::max(), &violations));
  }
  RETURN_IF_ERROR(MakeFieldErrors(violations));
  if (options.change.only_here()) {
    const std::string line =
        absl::StrCat("policy/", options.name, " rolled back to ", Aim(request));
    RETURN_IF_ERROR(PrintUnsent(request, line, options.change, session));
    return ExitCode::kOk;
  }
  SetMode(options.change, session, &request);
  const auto response = session.fleet->RollbackPolicy(request);
  if (!response.ok()) return NameChangeFlags(response.status());
  PrintWarnings(response->warnings(), session.err);
  if (session.format != OutputFormat::kTable) {
    RETURN_IF_ERROR(PrintDocument(*response, session.format, session.out));
    return ExitCode::kOk;
  }
  const std::string what =
      response->changed() ? absl::StrCat("rolled back to ", Aim(request)) : "unchanged";
  session.out << StoredLine(response->policy(), response->matched_nodes(), what, options.change)
              << '\n';
  return ExitCode::kOk;
}

}  // namespace

Action DeclareRollback(Arguments& arguments) {
  auto options = std::make_shared<Options>();
  arguments.Required("KIND", "what to roll back", &options->kind, {"policy"});
  arguments.Required("NAME", "its name", &options->name);
  arguments.Value("--revision", "N",
                  "the revision whose content it gets again, as a new revision [the one before the "
                  "current one]; `hotplugctl history policy NAME` lists them",
                  &options->revision);
  DeclareChangeOptions(arguments, &options->change);
  return [options](Session& session) { return Rollback(*options, session); };
}

}  // namespace hotplugger::client::fleet
