#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/commands/fleet/change_options.h"
#include "client/commands/fleet/policy_results.h"
#include "client/commands/fleet/verbs.h"
#include "client/policy_file/policy_source.h"
#include "client/text.h"
#include "common/error_info.h"
#include "common/status_macros.h"

namespace hotplugger::client::fleet {
namespace {

struct Options {
  std::string source;
  ChangeOptions change;
};

v1::ApplyPolicyRequest MakeRequest(const v1::Policy& policy, const Options& options,
                                   const Session& session) {
  v1::ApplyPolicyRequest request;
  *request.mutable_policy() = policy;
  *request.mutable_note() = MakeNote(options.change.note, session);
  return request;
}

// All messages as one document: a list, also of one.
template <typename Message>
absl::Status PrintList(const std::vector<Message>& messages, Session& session) {
  std::vector<std::string> documents;
  for (const Message& message : messages) {
    ASSIGN_OR_RETURN(documents.emplace_back(), ToJson(message));
  }
  PrintJsonAs(session.format, absl::StrCat("[\n", absl::StrJoin(documents, ",\n"), "]\n"),
              session.out);
  return absl::OkStatus();
}

// Of --dry-run=client.
absl::StatusOr<ExitCode> ShowUnsent(const std::vector<SourcedPolicy>& policies,
                                    const Options& options, Session& session) {
  std::vector<v1::ApplyPolicyRequest> requests;
  for (const SourcedPolicy& sourced : policies) {
    requests.push_back(MakeRequest(sourced.policy, options, session));
    if (session.format != OutputFormat::kTable) continue;
    session.out << "policy/" << Printable(sourced.policy.name()) << " is readable"
                << DryRunMark(options.change) << '\n';
  }
  if (session.format != OutputFormat::kTable) RETURN_IF_ERROR(PrintList(requests, session));
  return ExitCode::kOk;
}

// One `hotplugctl apply` that sends.
class Application {
 public:
  Application(const Options& options, Session& session) : options_(options), session_(session) {}

  // One failure doesn't hide what becomes of the others.
  absl::StatusOr<ExitCode> Run(const std::vector<SourcedPolicy>& policies) {
    several_ = policies.size() > 1;
    for (const SourcedPolicy& sourced : policies) {
      // Where nobody answers, nobody will answer the others either.
      if (nobody_answers_) {
        session_.err << "policy/" << Printable(sourced.policy.name()) << " not sent\n";
      } else {
        ApplyOne(sourced);
      }
    }
    if (session_.format != OutputFormat::kTable) RETURN_IF_ERROR(PrintList(responses_, session_));
    if (!first_error_.ok() && !responses_.empty()) return ExitCode::kPartial;
    return ExitCodeFor(first_error_);
  }

 private:
  void ApplyOne(const SourcedPolicy& sourced) {
    v1::ApplyPolicyRequest request = MakeRequest(sourced.policy, options_, session_);
    SetMode(options_.change, session_, &request, several_ ? sourced.policy.name() : "");
    auto response = session_.fleet->ApplyPolicy(request);
    if (!response.ok()) {
      // What a repetition of the whole command is given.
      const bool has_part = several_ && !request.request_id().empty();
      const std::string id = has_part ? *options_.change.request_id : request.request_id();
      TellFailure(sourced, DescribeChangeError(response.status(), id));
      return;
    }
    if (session_.format == OutputFormat::kTable) {
      session_.out << StoredLine(response->policy(), response->matched_nodes(),
                                 response->changed() ? "applied" : "unchanged", options_.change)
                   << '\n';
    }
    PrintWarnings(response->warnings(), session_.err);
    responses_.push_back(*std::move(response));
  }

  void TellFailure(const SourcedPolicy& sourced, const absl::Status& status) {
    session_.err << "policy/" << Printable(sourced.policy.name()) << " not applied:\n";
    PrintError(status, session_.err);
    if (ErrorReason(status) == "ETAG_MISMATCH") {
      session_.err << "  take the etag out of " << Printable(sourced.file)
                   << " to replace it whatever it is\n";
    }
    first_error_.Update(status);
    nobody_answers_ = absl::IsUnavailable(status) || ExitCodeFor(status) == ExitCode::kUnreachable;
  }

  const Options& options_;
  Session& session_;
  std::vector<v1::ApplyPolicyResponse> responses_;
  absl::Status first_error_;
  bool nobody_answers_ = false;
  bool several_ = false;
};

absl::StatusOr<ExitCode> Apply(const Options& options, Session& session) {
  // Everything is read before anything is sent: a mistake in the last document changes nothing.
  const auto policies = ReadPolicySource(options.source, session.in);
  if (!policies.ok()) {
    PrintError(policies.status(), session.err);
    return ExitCode::kUsage;
  }
  RETURN_IF_ERROR(CheckRequestId(options.change, /*for_several=*/policies->size() > 1));
  if (options.change.only_here()) return ShowUnsent(*policies, options, session);
  // Of several each has an id that one makes.
  Options with_id = options;
  if (policies->size() > 1) with_id.change.request_id = RequestIdOf(options.change, session);
  return Application(with_id, session).Run(*policies);
}

}  // namespace

Action DeclareApply(Arguments& arguments) {
  auto options = std::make_shared<Options>();
  arguments.Option("-f,--file",
                   "file with one or several policies, YAML or JSON; a folder: all its .yaml, .yml "
                   "and .json; - for standard input",
                   &options->source, /*required=*/true);
  DeclareChangeOptions(arguments, &options->change);
  return [options](Session& session) { return Apply(*options, session); };
}

}  // namespace hotplugger::client::fleet
