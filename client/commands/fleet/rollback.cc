#include <cstdint>
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
#include "common/error_info.h"
#include "common/status_macros.h"

namespace hotplugger::client::fleet {
namespace {

struct Options {
  std::string kind;
  std::string name;
  std::optional<std::string> revision;
  ChangeOptions change;
};

// One `hotplugctl rollback`.
class Rollback {
 public:
  Rollback(const Options& options, Session& session) : options_(options), session_(session) {}

  absl::StatusOr<ExitCode> Run() {
    RETURN_IF_ERROR(ReadFlags());
    ASSIGN_OR_RETURN(const bool is_done, RepeatFirst());
    if (is_done) return ExitCode::kOk;
    ASSIGN_OR_RETURN(v1::RollbackPolicyRequest request, MakeRequest());
    if (options_.change.only_here()) {
      const std::string line = absl::StrCat("policy/", options_.name, " ", DoneBy(request));
      RETURN_IF_ERROR(PrintUnsent(request, line, options_.change, session_));
      return ExitCode::kOk;
    }
    SetMode(options_.change, session_, &request);
    const auto response = session_.fleet->RollbackPolicy(request);
    if (!response.ok()) return DescribeChangeError(response.status(), request.request_id());
    RETURN_IF_ERROR(PrintAnswer(request, *response));
    return ExitCode::kOk;
  }

 private:
  absl::Status ReadFlags() {
    RETURN_IF_ERROR(CheckRequestId(options_.change));
    if (!options_.revision) return absl::OkStatus();
    Violations violations;
    revision_ = ReadNumber("--revision", *options_.revision, 1, std::numeric_limits<int>::max(),
                           &violations);
    return MakeFieldErrors(violations);
  }

  // A command with --request-id that is repeated, after it was done, must send what it sent then to
  // get the same answer. True: it has got it. Where the controller doesn't know the id, nothing is
  // changed: the request is for a revision that is no more the current one.
  absl::StatusOr<bool> RepeatFirst() {
    if (!options_.change.request_id || options_.change.dry_run != "none") return false;
    ASSIGN_OR_RETURN(const v1::ListPolicyRevisionsResponse history,
                     ListAllRevisions(*session_.fleet, options_.name));
    std::optional<v1::RollbackPolicyRequest> request = FirstRollback(history, revision_);
    if (!request) return false;
    *request->mutable_note() = MakeNote(options_.change.note, session_);
    SetMode(options_.change, session_, &*request);
    const auto response = session_.fleet->RollbackPolicy(*request);
    if (ErrorReason(response.status()) == "ETAG_MISMATCH") return false;
    if (!response.ok()) return DescribeChangeError(response.status(), request->request_id());
    RETURN_IF_ERROR(PrintAnswer(*request, *response));
    return true;
  }

  // The policy is read first, so that what is asked for is one revision, and of this policy alone:
  // a repetition, whoever sends it, can't go from where the first one went.
  absl::StatusOr<v1::RollbackPolicyRequest> MakeRequest() {
    v1::GetPolicyRequest read;
    read.set_name(options_.name);
    ASSIGN_OR_RETURN(const v1::GetPolicyResponse stored, session_.fleet->GetPolicy(read));
    int64_t revision = revision_;
    if (revision == 0) {
      ASSIGN_OR_RETURN(const v1::ListPolicyRevisionsResponse history,
                       ListAllRevisions(*session_.fleet, options_.name));
      ASSIGN_OR_RETURN(revision, AimRollback(stored.policy(), history));
    }
    v1::RollbackPolicyRequest request;
    request.set_name(options_.name);
    request.set_revision(revision);
    request.set_etag(stored.policy().etag());
    *request.mutable_note() = MakeNote(options_.change.note, session_);
    return request;
  }

  static std::string DoneBy(const v1::RollbackPolicyRequest& request) {
    return absl::StrCat("rolled back to revision ", request.revision());
  }

  absl::Status PrintAnswer(const v1::RollbackPolicyRequest& request,
                           const v1::RollbackPolicyResponse& response) {
    PrintWarnings(response.warnings(), session_.err);
    if (session_.format != OutputFormat::kTable) {
      return PrintDocument(response, session_.format, session_.out);
    }
    session_.out << StoredLine(response.policy(), response.matched_nodes(),
                               response.changed() ? DoneBy(request) : "unchanged", options_.change)
                 << '\n';
    return absl::OkStatus();
  }

  const Options& options_;
  Session& session_;
  // 0: the one before.
  int64_t revision_ = 0;
};

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
  return [options](Session& session) { return Rollback(*options, session).Run(); };
}

}  // namespace hotplugger::client::fleet
