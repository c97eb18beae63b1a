#include <limits>
#include <memory>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "client/commands/fleet/change_options.h"
#include "client/commands/fleet/policy_results.h"
#include "client/commands/fleet/rollback_aim.h"
#include "client/commands/fleet/verbs.h"
#include "client/flag_values.h"
#include "client/list_all.h"
#include "common/status_macros.h"

namespace hotplugger::client::fleet {
namespace {

struct Options {
  std::string kind;
  std::string name;
  std::optional<std::string> revision;
  ChangeOptions change;
};

// The policy is read first, so that what is asked for is one revision, and of this policy alone: a
// repetition, whoever sends it, can't go from where the first one went.
absl::StatusOr<v1::RollbackPolicyRequest> MakeRequest(const Options& options, Session& session) {
  RETURN_IF_ERROR(CheckRequestId(options.change));
  int64_t revision = 0;
  if (options.revision) {
    Violations violations;
    revision = ReadNumber("--revision", *options.revision, 1, std::numeric_limits<int>::max(),
                          &violations);
    RETURN_IF_ERROR(MakeFieldErrors(violations));
  }
  v1::GetPolicyRequest read;
  read.set_name(options.name);
  ASSIGN_OR_RETURN(const v1::GetPolicyResponse stored, session.fleet->GetPolicy(read));
  if (revision == 0) {
    ASSIGN_OR_RETURN(const v1::ListPolicyRevisionsResponse history,
                     ListAllRevisions(*session.fleet, options.name));
    ASSIGN_OR_RETURN(revision, AimRollback(stored.policy(), history));
  }
  v1::RollbackPolicyRequest request;
  request.set_name(options.name);
  request.set_revision(revision);
  request.set_etag(stored.policy().etag());
  *request.mutable_note() = MakeNote(options.change.note, session);
  return request;
}

absl::StatusOr<ExitCode> Rollback(const Options& options, Session& session) {
  ASSIGN_OR_RETURN(v1::RollbackPolicyRequest request, MakeRequest(options, session));
  const std::string done = absl::StrCat("rolled back to revision ", request.revision());
  if (options.change.only_here()) {
    const std::string line = absl::StrCat("policy/", options.name, " ", done);
    RETURN_IF_ERROR(PrintUnsent(request, line, options.change, session));
    return ExitCode::kOk;
  }
  SetMode(options.change, session, &request);
  const auto response = session.fleet->RollbackPolicy(request);
  if (!response.ok()) return DescribeChangeError(response.status(), request.request_id());
  PrintWarnings(response->warnings(), session.err);
  if (session.format != OutputFormat::kTable) {
    RETURN_IF_ERROR(PrintDocument(*response, session.format, session.out));
    return ExitCode::kOk;
  }
  session.out << StoredLine(response->policy(), response->matched_nodes(),
                            response->changed() ? done : "unchanged", options.change)
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
